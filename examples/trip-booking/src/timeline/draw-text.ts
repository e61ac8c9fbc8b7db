import type { Bar, Timeline } from './timeline.ts';

const width = 60;
const signs = { forward: '━', back: '◁', unknown: '┄' } as const;

/** A timeline for a terminal: a line for each task, time from left to right. */
export function drawText({ id, result, rows, taken, lengthMs }: Timeline): string {
  const column = (ms: number): number => Math.floor((ms / Math.max(1, lengthMs)) * (width - 1));
  const longest = Math.max(4, ...rows.map(({ task }) => task.length));
  const lines = rows.map(({ task, stage, bars }, at) => {
    const cells = Array.from({ length: width }, () => ' ');
    for (const ms of taken) cells[column(ms)] = '┊';
    for (const bar of bars) drawBar(cells, bar, column);
    for (const { to, ended } of bars) if (ended === 'badly') cells[column(to)] = '✗';
    const isFirst = rows[at - 1]?.stage !== stage;
    return `  ${(isFirst ? `stage ${stage}` : '').padEnd(8)} ${task.padEnd(longest)}  ${cells.join('')}  ${saidOf(bars)}`.trimEnd();
  });
  const scale = `${'0'.padEnd(width - 8)}${`${lengthMs} ms`.padStart(8)}`;
  return [`trip ${id}: ${result}`, `  ${' '.repeat(8)} ${' '.repeat(longest)}  ${scale}`, ...lines, ''].join(
    '\n',
  );
}

function drawBar(cells: string[], { way, from, to, ended }: Bar, column: (ms: number) => number): void {
  const [first, last] = [column(from), column(to)];
  cells.fill(ended === 'unknown' ? signs.unknown : signs[way], first, last + 1);
}

function saidOf(bars: readonly Bar[]): string {
  const last = bars.at(-1);
  if (last === undefined) return 'never begun';
  if (last.ended === 'unknown') return 'under way';
  const forward = bars.findLast(({ way }) => way === 'forward');
  const done = forward?.ended === 'well' ? 'done' : 'failed';
  if (last.way === 'forward') return done;
  return `${done}, ${last.ended === 'well' ? 'given back' : 'to be given back'}`;
}
