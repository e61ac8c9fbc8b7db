import { codeSpan, tablesOf } from './markdown.ts';
import type { Declaration, Member } from './source.ts';
import { parse } from './source.ts';
import type { TextFile } from './tree.ts';

/** A row of docs/reference/options.md. */
export interface OptionRow {
  /** The last part of `workTypes.*.thresholdMs`. */
  readonly name: string;
  readonly type: string;
  readonly default: string;
  readonly meaning: string;
  readonly headings: readonly string[];
}

/** The rows of every table headed `option | type | default | meaning`. */
export function optionRows(file: TextFile): readonly OptionRow[] {
  return tablesOf(file)
    .filter(({ header }) => header.join(' ').toLowerCase() === 'option type default meaning')
    .flatMap(({ rows, headings }) =>
      rows.map(([option, type = '', fallback = '', meaning = '']) => ({
        name: (codeSpan(option) ?? option ?? '').split('.').at(-1) ?? '',
        type,
        default: fallback,
        meaning,
        headings,
      })),
    );
}

/**
 * What is wrong with the documentation of an options interface: a member without docstring, without a row, with
 * a row of another default, or with another default in the code. Where headings name the interface in
 * backticks, only the rows beneath them count as its rows.
 */
export function wrongOptions(
  { name, members }: Declaration,
  rows: readonly OptionRow[],
  inCode: ReadonlyMap<string, string>,
): readonly string[] {
  const own = rows.filter(({ headings }) => headings.at(-1)?.includes(`\`${name}\``));
  const candidates = own.length === 0 ? rows : own;
  return members
    .filter(({ docstring }) => docstring?.includes('@internal') !== true)
    .flatMap((member) =>
      wrongOption(member, candidates, inCode).map((what) => `${name}.${member.name} ${what}`),
    );
}

function wrongOption(
  { name, docstring }: Member,
  candidates: readonly OptionRow[],
  inCode: ReadonlyMap<string, string>,
): readonly string[] {
  if (docstring === undefined) return ['has no docstring'];
  const said = plain(statedDefault(docstring));
  const rows = candidates.filter((row) => row.name === name);
  if (rows.length === 0) return ['has no row in docs/reference/options.md'];
  const complaints = rows.some((row) => row.meaning === '') ? ['has a row without a meaning'] : [];
  if (!rows.some((row) => plain(row.default) === said)) {
    const written = rows.map((row) => row.default).join(' or ');
    complaints.push(`has the default ${written} in its row and ${said} in its docstring`);
  }
  const coded = inCode.get(name);
  if (coded !== undefined && plain(coded) !== said) {
    complaints.push(`has the default ${coded} in the code and ${said} in its docstring`);
  }
  return complaints;
}

/** `Default 120,000; Infinity for none.` states 120,000. */
function statedDefault(docstring: string): string {
  return (
    /\bDefault:? (`[^`]+`|[^.;\n]+?(?:\.\d+)?(?: (?:[KMG]iB|days|hours|minutes)\b)?)(?=[.;,]?(?:\s|$))/.exec(
      docstring,
    )?.[1] ?? ''
  );
}

const units: Readonly<Record<string, number>> = { KiB: 1024, MiB: 1_048_576, GiB: 1_073_741_824 };
const durations: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1000,
  minutes: 60_000,
  hours: 3_600_000,
  days: 86_400_000,
};

/** One spelling for one default: no backticks or separators, bytes and milliseconds for larger units. */
export function plain(written: string): string {
  const text = written.replace(/[`'"]/g, '').trim();
  if (['', '-', '—', 'none', 'required', 'undefined', '[]'].includes(text)) return 'none';
  const amount = /^(\d[\d,_]*(?:\.\d+)?)(?: ?(KiB|MiB|GiB|ms|s|minutes|hours|days))?$/.exec(text);
  if (amount === null) return text;
  const unit = amount[2] ?? 'ms';
  return String(Number(amount[1]?.replace(/[,_]/g, '')) * (units[unit] ?? durations[unit] ?? 1));
}

/** The literal values in objects called `defaults` or `...Defaults`, by property name. */
export function defaultsInCode(file: TextFile): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  for (const statement of parse(file).program.body) {
    const declaration = statement.type === 'ExportNamedDeclaration' ? statement.declaration : statement;
    if (declaration?.type !== 'VariableDeclaration') continue;
    for (const { id, init } of declaration.declarations) {
      if (id.type !== 'Identifier' || !/defaults$/i.test(id.name) || init === null) continue;
      for (const [name, text] of literals(file.text.slice(init.start, init.end))) found.set(name, text);
    }
  }
  return found;
}

/** `name: 7 * 24 * 3_600_000,` on a line of its own is a default; what refers to another name is left out. */
function literals(object: string): readonly (readonly [string, string])[] {
  return [...object.matchAll(/^\s*(\w+): ([^\n]+?),?$/gm)].flatMap(([, name = '', text = '']) => {
    const factors = text.split('*').map((factor) => Number(factor.trim().replaceAll('_', '')));
    if (factors.every(Number.isFinite)) return [[name, String(factors.reduce((a, b) => a * b))] as const];
    return /^(?:'[^']*'|true|false|\[\]|undefined)$/.test(text) ? [[name, text] as const] : [];
  });
}
