import type { WindowRow } from './tally.ts';

/** What happened within one window, of all rows of it that were asked for. */
export interface Sum {
  readonly fromMs: number;
  readonly offered: number;
  readonly performed: number;
  readonly refused: number;
  readonly deferred: number;
  readonly drained: number;
  /** The highest of the rows; null where nothing was committed. */
  readonly p50: number | null;
  readonly p99: number | null;
}

/** One sum for each window, in the order of time. */
export function sumsOf(rows: readonly WindowRow[]): readonly Sum[] {
  const sums = new Map<number, Sum>();
  for (const row of rows) {
    const sum = sums.get(row.fromMs) ?? nothing(row.fromMs);
    sums.set(row.fromMs, {
      fromMs: row.fromMs,
      offered: sum.offered + row.offered,
      performed: sum.performed + row.performed,
      refused: sum.refused + row.refused,
      deferred: sum.deferred + row.deferred,
      drained: sum.drained + row.drained,
      p50: higher(sum.p50, row.latencyMs.p50),
      p99: higher(sum.p99, row.latencyMs.p99),
    });
  }
  return [...sums.values()];
}

/** The share of what was offered from `fromMs` up to, not including, `toMs` that was postponed; NaN where nothing was. */
export function shareRefused(rows: readonly WindowRow[], fromMs: number, toMs: number): number {
  let offered = 0;
  let postponed = 0;
  for (const row of rows) {
    if (row.fromMs < fromMs || row.fromMs >= toMs) continue;
    offered += row.offered;
    postponed += row.refused + row.deferred;
  }
  return postponed / offered;
}

function nothing(fromMs: number): Sum {
  return { fromMs, offered: 0, performed: 0, refused: 0, deferred: 0, drained: 0, p50: null, p99: null };
}

function higher(a: number | null, b: number | null): number | null {
  if (a === null || b === null) return a ?? b;
  return Math.max(a, b);
}
