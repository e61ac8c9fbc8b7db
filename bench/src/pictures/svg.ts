/** The parts that all pictures share. Pictures are for light and dark; the same data give the same bytes. */
const style = `
text{font:11px system-ui,sans-serif;fill:#333}.title{font-size:13px;font-weight:600}.heading{font-weight:600}.small{font-size:10px;fill:#666}
.grid{stroke:#ccc;stroke-width:1;fill:none}.band{fill:#888;opacity:.16}.bound{stroke:#b0413e;stroke-dasharray:4 3}.spread{stroke:#333;stroke-width:1.2;fill:none}
.good{fill:#2f9e6e}.fair{fill:#7cc8e8}.waiting{fill:#f0c05a}.bad{fill:#e07b39}.worse{fill:#b0413e}.plain{fill:#8a94a3}.ours{fill:#3b78c2}.peer{fill:#a9b4c2}
.line{fill:none;stroke-width:1.6}.line.good{stroke:#2f9e6e}.line.fair{stroke:#3b78c2}.line.waiting{stroke:#c08a1e}.line.bad{stroke:#e07b39}.line.worse{stroke:#b0413e}.line.plain{stroke:#444;stroke-dasharray:3 3}
@media (prefers-color-scheme:dark){text{fill:#ddd}.small{fill:#aaa}.grid{stroke:#444}.band{fill:#aaa;opacity:.2}.spread{stroke:#ddd}.bound{stroke:#ff8a80}
.line.plain{stroke:#ccc}.ours{fill:#5b9be6}.peer{fill:#66707e}.line.worse{stroke:#ff8a80}}`;

/** A whole picture (SVG 1.1). */
export function svg(width: number, height: number, title: string, parts: readonly string[]): string {
  const head = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" role="img" aria-label="${escaped(title)}">`;
  return `${[head, `<style>${style}</style>`, ...parts, '</svg>'].join('\n')}\n`;
}

/** How a text looks and where it begins, has its middle, or ends. */
export interface Placing {
  readonly look?: 'title' | 'heading' | 'small';
  readonly anchor?: 'start' | 'middle' | 'end';
}

export function text(x: number, y: number, content: string, { look, anchor }: Placing = {}): string {
  const kind = look === undefined ? '' : ` class="${look}"`;
  const side = anchor === undefined ? '' : ` text-anchor="${anchor}"`;
  return `<text${kind} x="${short(x)}" y="${short(y)}"${side}>${escaped(content)}</text>`;
}

/** The title at the top of a picture, in as many lines as it takes; and where they end. */
export function titled(
  title: string,
  width: number,
): { readonly parts: readonly string[]; readonly bottom: number } {
  const most = Math.floor((width - 2 * titleAt.x) / titleAt.letter);
  const lines: string[] = [];
  for (const word of title.split(' ')) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + 1 + word.length <= most)
      lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(word);
  }
  const parts = lines.map((line, at) =>
    text(titleAt.x, titleAt.y + at * titleAt.line, line, { look: 'title' }),
  );
  return { parts, bottom: titleAt.y + (lines.length - 1) * titleAt.line };
}

/** A letter's width is a guess that is rather too wide than too narrow: nobody measures text here. */
const titleAt = { x: 12, y: 20, line: 17, letter: 7.6 } as const;

export function rect(kind: string, x: number, y: number, width: number, height: number): string {
  return `<rect class="${kind}" x="${short(x)}" y="${short(y)}" width="${short(width)}" height="${short(height)}"/>`;
}

export function path(kind: string, d: string): string {
  return `<path class="${kind}" d="${d}"/>`;
}

/** A coordinate to a tenth: no eye sees more. */
export function short(value: number): string {
  return String(Math.round(value * 10) / 10);
}

function escaped(content: string): string {
  return content.replace(/[&<>"]/g, (letter) => `&#${letter.charCodeAt(0)};`);
}
