import type { DrainRow } from './drains.ts';
import type { Report } from './simulate.ts';
import type { WindowRow } from './tally.ts';

const mostLines = 60;
const header = [
  'from s',
  'partition',
  'work type',
  'offered',
  'performed',
  'refused',
  'deferred',
  'drained',
  'p50 ms',
  'p99 ms',
];
const texts = 3;

/** A report for people: one line for each window and work type, windows put together where they are very many. */
export function tableOf(report: Report): string {
  const { windows, inversions, retrips, timeToFirstAdmissionAfterFaultMs: firstMs, drains } = report;
  const lines = [header, ...merged(windows).map(cells)];
  const widths = header.map((_, column) => Math.max(...lines.map((line) => line[column]?.length ?? 0)));
  const table = lines.map((line) =>
    line
      .map((cell, column) =>
        column > 0 && column < texts ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0),
      )
      .join('  '),
  );
  return `${table.join('\n')}

inversions                            ${inversions}
re-trips                              ${retrips}
first admission after a fault         ${firstMs === null ? '-' : `${firstMs} ms`}
${drains.map(drainLine).join('')}`;
}

function drainLine({ partition, backlog, goneAfterMs, neededMs }: DrainRow): string {
  const title = `drained, ${partition}`.padEnd(38);
  if (goneAfterMs === null) return `${title}${backlog} waited, and not all of it was\n`;
  return `${title}${backlog} in ${goneAfterMs} ms; the partition needed ${neededMs} ms for all that it did\n`;
}

function cells({ fromMs, partition, workType, latencyMs, ...counts }: WindowRow): readonly string[] {
  const { offered, performed, refused, deferred, drained } = counts;
  return [
    String(fromMs / 1_000),
    partition,
    workType,
    ...[offered, performed, refused, deferred, drained].map((count) => count.toLocaleString('en-US')),
    ...[latencyMs.p50, latencyMs.p99].map((ms) => (ms === null ? '-' : ms.toFixed(1))),
  ];
}

/** As many windows after each other in one row as it takes to stay readable; of latencies the highest. */
function merged(rows: readonly WindowRow[]): readonly WindowRow[] {
  const instants = [...new Set(rows.map(({ fromMs }) => fromMs))];
  const pairs = Math.max(1, rows.length / Math.max(1, instants.length));
  const together = Math.max(1, Math.ceil((instants.length * pairs) / mostLines / 4));
  if (together === 1) return rows;
  const startOf = new Map(instants.map((fromMs, at) => [fromMs, instants[at - (at % together)] ?? fromMs]));
  const sums = new Map<string, WindowRow>();
  for (const row of rows) {
    const fromMs = startOf.get(row.fromMs) ?? row.fromMs;
    const key = `${fromMs}\n${row.partition}\n${row.workType}`;
    const sum = sums.get(key);
    sums.set(key, sum === undefined ? { ...row, fromMs } : added(sum, row));
  }
  return [...sums.values()];
}

function added(sum: WindowRow, row: WindowRow): WindowRow {
  const higher = (a: number | null, b: number | null): number | null =>
    a === null || b === null ? (a ?? b) : Math.max(a, b);
  return {
    ...sum,
    offered: sum.offered + row.offered,
    performed: sum.performed + row.performed,
    refused: sum.refused + row.refused,
    deferred: sum.deferred + row.deferred,
    drained: sum.drained + row.drained,
    latencyMs: {
      p50: higher(sum.latencyMs.p50, row.latencyMs.p50),
      p99: higher(sum.latencyMs.p99, row.latencyMs.p99),
    },
  };
}
