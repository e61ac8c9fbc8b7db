import type { Tone } from './scene.ts';

/** A piece of a line in one tone. */
export type Span = readonly [text: string, tone?: Tone];

/** A line of the screen, without its end. */
export type Line = readonly Span[];

const codes: Readonly<Record<Tone, string>> = {
  plain: '',
  strong: '1',
  quiet: '2',
  good: '32',
  careful: '33',
  bad: '31',
  accent: '36',
};

/** The line as it is written: cut to `columns`, coloured where `colours` says so. */
export function paint(line: Line, columns: number, colours: boolean): string {
  let left = columns;
  let painted = '';
  let current = '';
  for (const [text, tone = 'plain'] of line) {
    const visible = [...text].slice(0, left).join('');
    if (visible === '') continue;
    left -= [...visible].length;
    const code = colours ? codes[tone] : '';
    if (code !== current) painted += code === '' ? reset : `${current === '' ? '' : reset}${start(code)}`;
    current = code;
    painted += visible;
  }
  return current === '' ? painted : painted + reset;
}

const reset = '\u001b[0m';

function start(code: string): string {
  return `\u001b[${code}m`;
}

/** How many columns it takes. Every character that the demo uses takes one. */
export function widthOf(line: Line): number {
  return line.reduce((width, [text]) => width + [...text].length, 0);
}

/** `left`, and `right` at the end of the line; where both don't fit, `left` alone. */
export function spread(left: Line, right: Line, columns: number): Line {
  const gap = columns - widthOf(left) - widthOf(right);
  return gap < 1 ? left : [...left, [' '.repeat(gap)], ...right];
}
