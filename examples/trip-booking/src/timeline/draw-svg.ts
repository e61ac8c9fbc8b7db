import type { Bar, Timeline } from './timeline.ts';

const [left, right, top, rowHeight, barHeight] = [170, 20, 48, 26, 14];
const width = 760;
const style = `
text{font:12px system-ui,sans-serif;fill:#333}.small{font-size:10px;fill:#666}.end{text-anchor:end}.title{font-size:14px;font-weight:600}
.well{fill:#2f9e6e}.badly{fill:#b0413e}.unknown{fill:#b9bec7}.back{fill:#e0a13e}.taken{stroke:#b0413e;stroke-dasharray:4 3}.grid{stroke:#ddd}
@media (prefers-color-scheme:dark){text{fill:#ddd}.small{fill:#aaa}.grid{stroke:#444}.taken{stroke:#ff8a80}}`;

/** A timeline as a picture (SVG 1.1), for light and dark. */
export function drawSvg({ id, result, rows, taken, lengthMs }: Timeline): string {
  const height = top + rows.length * rowHeight + 36;
  const x = (ms: number): number => round(left + (ms / Math.max(1, lengthMs)) * (width - left - right));
  const bottom = top + rows.length * rowHeight;
  const parts = [
    text(12, 22, `Trip ${id}: ${result}`, 'title'),
    ...rows.flatMap(({ task, stage, bars }, at) => {
      const y = top + at * rowHeight;
      const isFirst = rows[at - 1]?.stage !== stage;
      return [
        ...(isFirst
          ? [text(12, y + barHeight, `stage ${stage}`), line('grid', 12, y - 5, width - right, y - 5)]
          : []),
        text(80, y + barHeight, task),
        ...bars.map((bar) => barOf(bar, x, y)),
      ];
    }),
    ...taken.flatMap((ms) => [
      line('taken', x(ms), top - 10, x(ms), bottom),
      text(x(ms), top - 13, 'another process goes on', ms > lengthMs / 2 ? 'small end' : 'small'),
    ]),
    text(left, bottom + 14, '0 ms', 'small'),
    text(width - right - 50, bottom + 14, `${lengthMs} ms`, 'small'),
    ...legend(bottom + 30),
  ];
  const title = `Timeline of trip ${escaped(id)}: ${result}`;
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" role="img" aria-label="${title}">\n<style>${style}</style>\n${parts.join('\n')}\n</svg>\n`;
}

function barOf({ way, from, to, ended }: Bar, x: (ms: number) => number, y: number): string {
  const look = ended === 'well' && way === 'back' ? 'back' : ended;
  return rect(look, x(from), y + 2, Math.max(2, round(x(to) - x(from))));
}

function legend(y: number): readonly string[] {
  const looks = [
    ['well', 'done'],
    ['badly', 'failed'],
    ['back', 'given back'],
    ['unknown', 'nobody knows how it ended'],
  ] as const;
  return looks.flatMap(([look, said], at) => [
    rect(look, left + at * 110, y - 10, 12),
    text(left + 18 + at * 110, y, said, 'small'),
  ]);
}

function rect(look: string, x: number, y: number, wide: number): string {
  return `<rect class="${look}" x="${x}" y="${y}" width="${wide}" height="${barHeight - 2}" rx="2"/>`;
}

function line(look: string, x1: number, y1: number, x2: number, y2: number): string {
  return `<line class="${look}" x1="${x1}" y1="${y1}" x2="${x2}" y2="${y2}"/>`;
}

function text(x: number, y: number, content: string, look?: string): string {
  return `<text${look === undefined ? '' : ` class="${look}"`} x="${x}" y="${y}">${escaped(content)}</text>`;
}

function escaped(content: string): string {
  return content.replace(/[&<>"]/g, (letter) => `&#${letter.charCodeAt(0)};`);
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
