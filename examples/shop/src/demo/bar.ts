import type { Line, Span } from './paint.ts';
import type { Tone } from './scene.ts';

/** Where something becomes too slow, and for whom. */
export interface Mark {
  readonly name: string;
  readonly thresholdMs: number;
}

const mostMs = 1_000;
const blocks = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'] as const;

/** How far along a scale from 1 ms to 1 s something is, from 0 to 1. Logarithmic: 4 ms and 400 ms are both to be seen. */
export function shareOf(ms: number): number {
  return Math.min(1, Math.log10(Math.max(1, ms)) / Math.log10(mostMs));
}

/** Good below every threshold, bad above every one. */
export function toneOf(ms: number, marks: readonly Mark[]): Tone {
  const over = marks.filter(({ thresholdMs }) => ms > thresholdMs).length;
  if (over === 0) return 'good';
  return over < marks.length ? 'careful' : 'bad';
}

/** A latency as a bar of `width` columns with a line at each threshold. */
export function latencyBar(valueMs: number | undefined, marks: readonly Mark[], width: number): Line {
  const filled = valueMs === undefined ? 0 : Math.max(1, Math.round(shareOf(valueMs) * width));
  const tone = toneOf(valueMs ?? 0, marks);
  const lines = new Set(marks.map(({ thresholdMs }) => columnOf(thresholdMs, width)));
  return Array.from({ length: width }, (_, at): Span => {
    if (lines.has(at)) return at < filled ? ['┃', 'strong'] : ['│', 'strong'];
    return at < filled ? ['█', tone] : ['░', 'quiet'];
  });
}

/** The thresholds' names beneath their lines in the bar, in as many lines as it takes for them not to collide. */
export function markLabels(marks: readonly Mark[], width: number): readonly Line[] {
  const rows: { end: number; line: Span[] }[] = [];
  for (const { name, thresholdMs } of marks.toSorted((a, b) => b.thresholdMs - a.thresholdMs)) {
    const label = `└ ${name} ${thresholdMs} ms`;
    const at = Math.max(0, Math.min(columnOf(thresholdMs, width), width - label.length));
    rows.unshift({ end: at + label.length, line: [[' '.repeat(at)], [label, 'quiet']] });
  }
  return withoutCollisions(rows).map(({ line }) => line);
}

function withoutCollisions(rows: readonly { readonly end: number; readonly line: Span[] }[]) {
  const merged: { end: number; line: Span[] }[] = [];
  for (const row of rows) {
    const start = row.line[0]?.[0].length ?? 0;
    const free = merged.find(({ end }) => end < start);
    if (free === undefined) merged.push({ end: row.end, line: [...row.line] });
    else {
      free.line.push([' '.repeat(start - free.end)], ...row.line.slice(1));
      free.end = row.end;
    }
  }
  return merged;
}

/** Latency over time as an area of `height` lines, the latest at the right end of `width` columns, with a line at each threshold. */
export function chart(
  history: readonly (number | undefined)[],
  marks: readonly Mark[],
  { width, height }: { readonly width: number; readonly height: number },
): readonly Line[] {
  const shown = [...Array.from({ length: width }, () => undefined), ...history].slice(-width);
  const thresholdRows = new Set(marks.map(({ thresholdMs }) => Math.floor(shareOf(thresholdMs) * height)));
  return Array.from({ length: height }, (_, line) => {
    const row = height - 1 - line;
    const empty: Span = thresholdRows.has(row) ? ['┈', 'quiet'] : [' '];
    return shown.map((ms): Span => {
      const eighths =
        ms === undefined ? 0 : Math.max(row === 0 ? 1 : 0, Math.round((shareOf(ms) * height - row) * 8));
      return eighths < 1 || ms === undefined
        ? empty
        : [blocks[Math.min(eighths, 8) - 1] ?? '█', toneOf(ms, marks)];
    });
  });
}

function columnOf(thresholdMs: number, width: number): number {
  return Math.min(width - 1, Math.round(shareOf(thresholdMs) * width));
}
