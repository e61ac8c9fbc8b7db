import type { Declared } from './declarations.ts';
import { type LinkTo, wordsOf } from './words.ts';

/** A name that a page documents. */
export interface Documented {
  readonly name: string;
  /** The heading that it stands under, from the comments of the entry's source. */
  readonly group: string | undefined;
  readonly declarations: readonly Declared[];
}

/** One page of the reference: an entry point of a package. */
export interface Page {
  /** `@slackwater/middleware/pg`. */
  readonly specifier: string;
  readonly names: readonly Documented[];
}

const widest = 100;

/** Renders a page. `linkTo` finds names of other pages. */
export function render(page: Page, linkTo: LinkTo): string {
  const anchors = anchorsOf(page);
  const link: LinkTo = (name) => anchors.get(name) ?? linkTo(name);
  const groups = groupsOf(page);
  const sections = groups.flatMap(({ group, names }) => [
    ...(group === undefined ? [] : [`## ${sentence(group)}`]),
    ...names.map((one) => section(one, link)),
  ]);
  const list = groups.map(({ group, names }) => {
    const links = names.map(({ name }) => `[\`${name}\`](${anchors.get(name)})`).join(', ');
    return group === undefined ? links : `* ${sentence(group)}: ${links}`;
  });
  return `${[
    `# \`${page.specifier}\``,
    'Written from the docstrings by `npm run reference`; whoever changes one, runs it again.',
    list.join('\n'),
    ...sections,
  ].join('\n\n')}\n`;
}

/** `#name` for each, as GitHub makes it of the headings: the second that differs in nothing but case has a number. */
export function anchorsOf(page: Page): ReadonlyMap<string, string> {
  const taken = new Map<string, number>();
  const slugOf = (heading: string): string => {
    const slug = heading
      .toLowerCase()
      .replaceAll(' ', '-')
      .replace(/[^\w-]/g, '');
    const count = taken.get(slug) ?? 0;
    taken.set(slug, count + 1);
    return count === 0 ? slug : `${slug}-${count}`;
  };
  slugOf(page.specifier);
  return new Map(
    groupsOf(page).flatMap(({ group, names }) => {
      if (group !== undefined) slugOf(group);
      return names.map(({ name }) => [name, `#${slugOf(name)}`] as const);
    }),
  );
}

function groupsOf({ names }: Page): readonly { group: string | undefined; names: readonly Documented[] }[] {
  return [...new Set(names.map(({ group }) => group))].map((group) => ({
    group,
    names: names.filter((one) => one.group === group).sort((a, b) => Number(isType(a)) - Number(isType(b))),
  }));
}

/** What is called comes before what it takes and gives. */
function isType({ name }: Documented): boolean {
  return /^[A-Z]/.test(name);
}

function sentence(words: string): string {
  return words.charAt(0).toUpperCase() + words.slice(1);
}

function section({ name, declarations }: Documented, link: LinkTo): string {
  const docstrings = declarations.flatMap(({ docstring }) => (docstring === undefined ? [] : [docstring]));
  // What is an interface and no more says its members alone.
  const heads = declarations.map(({ head }) => fold(head)).filter((head) => !/^interface \w+$/.test(head));
  const members = declarations.flatMap((one) => one.members);
  const used = usedIn(declarations, name, link);
  return [
    `### \`${name}\``,
    ...docstrings.map((docstring) => wordsOf(docstring, link)),
    heads.length === 0 ? '' : `\`\`\`ts\n${heads.join('\n')}\n\`\`\``,
    members.map((member) => bullet(member, link)).join('\n'),
    used.length === 0 ? '' : `With ${used.join(', ')}.`,
  ]
    .filter((part) => part !== '')
    .join('\n\n');
}

function bullet({ code, docstring }: Declared['members'][number], link: LinkTo): string {
  const short = code.replace(/^readonly /, '');
  const isLine = !short.includes('\n') && short.length <= widest;
  const fence = short.includes('`') ? '``' : '`';
  const shown = isLine ? `${fence}${short}${fence}` : `\n\`\`\`ts\n${fold(dedent(short))}\n\`\`\``;
  const words = docstring === undefined || docstring === '' ? '' : `\n\n${wordsOf(docstring, link)}`;
  // A list within the words goes on beneath its member.
  return `* ${shown}${words}`.replace(/\n(?=[^\n])/g, '\n  ').replace('* \n', '*\n');
}

/** Types of the declarations that have a place of their own. */
function usedIn(declarations: readonly Declared[], self: string, link: LinkTo): readonly string[] {
  const code = declarations
    .flatMap(({ head, members }) => [head, ...members.map((member) => member.code)])
    .join('\n')
    .replace(/\/\*[\s\S]*?\*\/|'[^'\n]*'/g, '');
  const identifiers = new Set([...code.matchAll(/(?<![.\w])[A-Z]\w*/g)].map(([name]) => name));
  return [...identifiers].sort().flatMap((name) => {
    const target = name === self ? undefined : link(name);
    return target === undefined ? [] : [`[\`${name}\`](${target})`];
  });
}

/** Members of a member are as far to the right as they were in its declaration. */
function dedent(code: string): string {
  return code.replace(/^ {4}/gm, '');
}

/** TypeScript writes a long list into one line. */
function fold(code: string): string {
  return code
    .split('\n')
    .flatMap((line) => {
      if (line.length <= widest) return [line];
      const lines: string[] = [];
      let current = '';
      for (const piece of line.split(/(?<=[,|&] )(?![^<(]*>)/)) {
        if (current !== '' && current.length + piece.length > widest) {
          lines.push(current.trimEnd());
          current = `${/^\s*/.exec(line)?.[0] ?? ''}    `;
        }
        current += piece;
      }
      return [...lines, current];
    })
    .join('\n');
}
