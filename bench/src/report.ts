import { availableParallelism, cpus, loadavg, release, totalmem, type } from 'node:os';
import { amount } from './amount.ts';
import { type Figure, standing } from './benchmark.ts';

/** What the figures were taken on. */
export interface Machine {
  readonly cores: number;
  readonly processor: string;
  readonly memoryGiB: number;
  readonly node: string;
  /** The operating system and its release. */
  readonly system: string;
  /** How many processes wanted a core, on average, in the minute before: above 0 others were at work. */
  readonly loadBefore: number;
}

export function thisMachine(): Machine {
  return {
    cores: availableParallelism(),
    processor: cpus()[0]?.model.trim() ?? 'unknown',
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    node: process.version,
    system: `${type()} ${release()}`,
    loadBefore: Math.round((loadavg()[0] ?? 0) * 100) / 100,
  };
}

export function machineLine({ cores, processor, memoryGiB, node, system, loadBefore }: Machine): string {
  return `${cores} cores (${processor}), ${memoryGiB} GiB, ${system}, Node ${node}; load before the run ${loadBefore}`;
}

/** The figures of one benchmark as lines. */
export function figureLines(title: string, figures: readonly Figure[]): readonly string[] {
  const rows = figures.map((figure) => [
    figure.who === undefined ? figure.what : `${figure.who}: ${figure.what}`,
    amount(figure.unit, figure.value.median),
    figure.value.count === 1
      ? ''
      : `${amount(figure.unit, figure.value.low)} - ${amount(figure.unit, figure.value.high)}`,
    String(figure.value.count),
    targetText(figure),
    figure.note ?? '',
  ]);
  const head = ['', 'median', '95 % interval', 'rounds', 'target', ''];
  const widths = head.map((_, column) => Math.max(...[head, ...rows].map((row) => row[column]?.length ?? 0)));
  const line = (row: readonly string[]): string =>
    `  ${row.map((cell, at) => cell.padEnd(widths[at] ?? 0)).join('  ')}`.trimEnd();
  return [title, line(head), ...rows.map(line)];
}

/** What it should come to, and whether it does; empty where nothing is asked of it. */
export function targetText(figure: Figure): string {
  const { target } = figure;
  if (target === undefined) return '';
  const bound =
    'atLeast' in target
      ? `>= ${amount(figure.unit, target.atLeast)}`
      : `<= ${amount(figure.unit, target.atMost)}`;
  return `${bound} ${standing(figure)}`;
}
