import { readSource, resolveRelative } from './source.ts';
import type { TextFile } from './tree.ts';

/**
 * Which room of the middleware may import which. This is the only place that says so; docs/architecture.md
 * shows the same table, and a test compares the two. Every room may import itself and `@slackwater/shared`.
 */
export interface Rule {
  readonly room: string;
  /** Files that belong to the room, relative to the middleware's sources. The first rule that matches wins. */
  readonly files: RegExp;
  /** Rooms it may import at run time, and so the types of. */
  readonly imports: readonly string[];
  /** Rooms it may import nothing but types of. */
  readonly types: readonly string[];
}

const contracts = ['request context', 'driver contract', 'engine contract'];
const ground = ['clock', ...contracts];
const everything = '(everything)';

export const rules: readonly Rule[] = [
  { room: 'clock', files: /^(?:clock|in-time)\.ts$/, imports: [], types: [] },
  { room: 'request context', files: /^request-context\.ts$/, imports: [], types: [] },
  { room: 'driver contract', files: /^drivers\/driver\.ts$/, imports: [], types: ['request context'] },
  { room: 'engine contract', files: /^engines\/[^/]+\.ts$/, imports: [], types: ['clock'] },
  {
    room: 'drivers',
    files: /^drivers\//,
    imports: ['clock', 'request context', 'driver contract'],
    types: [],
  },
  { room: 'engines', files: /^engines\//, imports: ground, types: [] },
  { room: 'measure', files: /^measure\//, imports: ground, types: [] },
  { room: 'scorers', files: /^scorers\//, imports: ['clock'], types: [] },
  {
    room: 'decide',
    files: /^decide\//,
    imports: [],
    types: [...ground, 'measure', 'options', 'scorers'],
  },
  { room: 'metrics', files: /^metrics\//, imports: ground, types: ['measure', 'decide', 'options'] },
  {
    room: 'answer',
    files: /^answer\//,
    imports: ground,
    types: ['decide', 'ledger', 'operations', 'audit', 'options', 'scorers'],
  },
  { room: 'ledger', files: /^ledger\//, imports: ground, types: [] },
  { room: 'perform', files: /^perform\//, imports: ground, types: ['ledger'] },
  { room: 'operations', files: /^operations\//, imports: ground, types: ['perform', 'ledger'] },
  { room: 'audit', files: /^audit\//, imports: ground, types: ['perform', 'ledger', 'options'] },
  { room: 'options', files: /^options(?:\.ts$|\/)/, imports: ['clock'], types: [everything] },
  { room: 'joins', files: /^joins\//, imports: [everything], types: [] },
  { room: 'slackwater', files: /^slackwater\.ts$/, imports: [everything], types: [] },
  { room: 'cli', files: /^cli\//, imports: [everything], types: [] },
  { room: 'index', files: /^index\.ts$/, imports: [everything], types: [] },
];

const home = 'packages/middleware/src/';

function roomOf(path: string, table: readonly Rule[]): Rule | undefined {
  return table.find(({ files }) => files.test(path.slice(home.length)));
}

/** Every import of the middleware's sources that the rules do not allow. */
export function againstTheRules(sources: readonly TextFile[], table = rules): readonly string[] {
  return sources.map(readSource).flatMap(({ path, imports }) => {
    const from = roomOf(path, table);
    if (from === undefined) return [`${path} belongs to no room of the import rules`];
    return imports.flatMap(({ specifier, typeOnly, line }) => {
      const target = resolveRelative(path, specifier);
      if (target === undefined) return [];
      const to = target.startsWith(home) ? roomOf(target, table) : undefined;
      if (to !== undefined && allows(from, to, typeOnly)) return [];
      const what = typeOnly ? 'types of ' : '';
      return [`${path}:${line} (${from.room}) may not import ${what}${specifier} (${to?.room ?? 'no room'})`];
    });
  });
}

function allows(from: Rule, to: Rule, typeOnly: boolean): boolean {
  if (from.room === to.room) return true;
  const allowed = typeOnly ? [...from.imports, ...from.types] : from.imports;
  return allowed.includes(to.room) || allowed.includes(everything);
}

/** The rules as rows of the table in docs/architecture.md. */
export function rows(table: readonly Rule[]): readonly (readonly string[])[] {
  const list = (rooms: readonly string[]): string => (rooms.length === 0 ? '-' : rooms.join(', '));
  return table.map(({ room, imports, types }) => [room, list(imports), list(types)]);
}
