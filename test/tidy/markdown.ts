import type { TextFile } from './tree.ts';

/** A pipe table of a Markdown file, cells trimmed. */
export interface Table {
  readonly header: readonly string[];
  readonly rows: readonly (readonly string[])[];
  /** The headings it stands under, outermost first, as they are written. */
  readonly headings: readonly string[];
}

/** A fenced block of code. */
export interface CodeBlock {
  readonly language: string;
  readonly code: string;
  /** What a comment `<!-- given: ... -->` directly before the block declares for it. */
  readonly given: string;
  /** 1-based line of the opening fence. */
  readonly line: number;
}

/** A link or image, with the target as it is written. */
export interface Link {
  readonly target: string;
  readonly line: number;
}

interface Line {
  readonly text: string;
  readonly number: number;
}

/** The lines outside fenced code. */
function prose({ text }: TextFile): readonly Line[] {
  let fenced = false;
  return text.split('\n').flatMap((line, index) => {
    const fence = /^\s*(?:```|~~~)/.test(line);
    if (fence) fenced = !fenced;
    return fence || fenced ? [] : [{ text: line, number: index + 1 }];
  });
}

/** The Markdown files of a tree. */
export function markdownFiles(tree: readonly TextFile[]): readonly TextFile[] {
  return tree.filter(({ path }) => path.endsWith('.md'));
}

/** Inline links and images, and the targets of reference links. Code spans are not looked into. */
export function linksOf(file: TextFile): readonly Link[] {
  return prose(file).flatMap(({ text, number }) => {
    const plain = text.replace(/`[^`]*`/g, '');
    const inline = [...plain.matchAll(/\]\(\s*<?([^)\s>]+)>?(?:\s+"[^"]*")?\s*\)/g)];
    const reference = [...plain.matchAll(/^\s*\[[^\]]+\]:\s*<?([^\s>]+)>?/g)];
    return [...inline, ...reference].map((match) => ({ target: match[1] ?? '', line: number }));
  });
}

/** The fragments a file can be linked at, made as GitHub makes them. */
export function anchorsOf(file: TextFile): ReadonlySet<string> {
  const anchors = new Set<string>();
  for (const { text } of prose(file)) {
    const heading = /^#{1,6}\s+(.*?)\s*#*$/.exec(text)?.[1];
    if (heading !== undefined) anchors.add(unique(slug(heading), anchors));
    for (const match of text.matchAll(/<a\s+(?:id|name)="([^"]+)"/g)) anchors.add(match[1] ?? '');
  }
  return anchors;
}

function slug(heading: string): string {
  return heading
    .replace(/\[([^\]]*)\]\([^)]*\)/g, '$1')
    .toLowerCase()
    .replace(/[^\p{L}\p{N}\p{M}_ -]/gu, '')
    .replaceAll(' ', '-');
}

function unique(wanted: string, taken: ReadonlySet<string>): string {
  if (!taken.has(wanted)) return wanted;
  let count = 1;
  while (taken.has(`${wanted}-${count}`)) count += 1;
  return `${wanted}-${count}`;
}

/** The pipe tables outside fenced code. */
export function tablesOf(file: TextFile): readonly Table[] {
  const lines = prose(file);
  const headings: string[] = [];
  return lines.flatMap(({ text }, index) => {
    const heading = /^(#{1,6})\s+(.*?)\s*#*$/.exec(text);
    if (heading !== null) headings.splice((heading[1] ?? '').length - 1, headings.length, heading[2] ?? '');
    const ruled = /^\s*\|?\s*:?-+:?\s*(?:\|\s*:?-+:?\s*)*\|?\s*$/.test(lines[index + 1]?.text ?? '');
    if (!ruled || !text.includes('|')) return [];
    const body = lines.slice(index + 2);
    const end = body.findIndex((line) => !line.text.includes('|'));
    const rows = body.slice(0, end === -1 ? body.length : end).map((line) => cells(line.text));
    return [{ header: cells(text), rows, headings: headings.filter((words) => words !== undefined) }];
  });
}

/** A `|` inside a cell is written `\|`, also within a code span, as GitHub reads it. */
function cells(line: string): readonly string[] {
  const inner = line
    .trim()
    .replace(/^\|/, '')
    .replace(/(?<!\\)\|$/, '');
  return inner.split(/(?<!\\)\|/).map((cell) => cell.trim().replaceAll('\\|', '|'));
}

/** What stands between the backticks of a cell that is one code span; undefined for any other cell. */
export function codeSpan(cell: string | undefined): string | undefined {
  return /^`([^`]+)`$/.exec(cell ?? '')?.[1];
}

/** Fenced blocks, with the declarations that a comment before them gives. */
export function codeBlocksOf({ text }: TextFile): readonly CodeBlock[] {
  const pattern = /(?:<!--\s*given:([\s\S]*?)-->\s*\n)?^(`{3,})([\w-]*)[^\n]*\n([\s\S]*?)^\2\s*$/gm;
  return [...text.matchAll(pattern)].map((match) => {
    const [whole, given = '', , language = '', code = ''] = match;
    const before = text.slice(0, match.index) + whole.slice(0, whole.indexOf('```'));
    return { language, code, given: given.trim(), line: before.split('\n').length };
  });
}
