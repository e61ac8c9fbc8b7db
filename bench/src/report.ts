import { availableParallelism, cpus, loadavg, totalmem } from 'node:os';
import { type Figure, standing } from './benchmark.ts';

/** What the figures were taken on. */
export interface Machine {
  readonly cores: number;
  readonly processor: string;
  readonly memoryGiB: number;
  readonly node: string;
  /** How many processes wanted a core, on average, in the minute before: above 0 others were at work. */
  readonly loadBefore: number;
}

export function thisMachine(): Machine {
  return {
    cores: availableParallelism(),
    processor: cpus()[0]?.model.trim() ?? 'unknown',
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    node: process.version,
    loadBefore: Math.round((loadavg()[0] ?? 0) * 100) / 100,
  };
}

export function machineLine({ cores, processor, memoryGiB, node, loadBefore }: Machine): string {
  return `${cores} cores (${processor}), ${memoryGiB} GiB, Node ${node}; load before the run ${loadBefore}`;
}

/** The figures of one benchmark as lines. */
export function figureLines(title: string, figures: readonly Figure[]): readonly string[] {
  const rows = figures.map((figure) => [
    figure.what,
    valueText(figure, figure.value.median),
    `${valueText(figure, figure.value.low)} - ${valueText(figure, figure.value.high)}`,
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

function targetText(figure: Figure): string {
  const { target } = figure;
  if (target === undefined) return '';
  const bound =
    'atLeast' in target
      ? `>= ${valueText(figure, target.atLeast)}`
      : `<= ${valueText(figure, target.atMost)}`;
  return `${bound} ${standing(figure)}`;
}

function valueText({ unit }: Figure, value: number): string {
  if (unit === 'ratio') return value.toFixed(3);
  const digits = value >= 100 ? 0 : value >= 10 ? 1 : 2;
  const number = value.toLocaleString('en', { minimumFractionDigits: digits, maximumFractionDigits: digits });
  return unit === 'per second' ? `${number}/s` : `${number} ${unit}`;
}
