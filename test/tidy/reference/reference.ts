import { existsSync, readFileSync } from 'node:fs';
import { publicNames } from '../public-names.ts';
import { parse } from '../source.ts';
import { type Manifest, manifests, packageSources, root, type TextFile } from '../tree.ts';
import { declarationsIn } from './declarations.ts';
import { anchorsOf, type Page, render } from './page.ts';
import type { LinkTo } from './words.ts';

/** Where the pages are. */
export const folder = 'docs/reference/api/';

interface Entry extends Page {
  readonly path: string;
  readonly packageName: string;
}

/** The pages of the reference as they have to be: one for each entry point of the published packages, and an index. */
export function referencePages(tree: readonly TextFile[]): readonly TextFile[] {
  const declared = declarationFiles(tree);
  const entries = manifests(tree)
    .filter(({ path }) => path.startsWith('packages/'))
    .flatMap((manifest) => entriesOf(manifest, tree, declared));
  const pages = entries.map((entry) => ({
    path: entry.path,
    text: render(entry, linksFrom(entry, entries)),
  }));
  return [{ path: `${folder}README.md`, text: index(entries) }, ...pages];
}

function index(entries: readonly Entry[]): string {
  const rows = entries.map(({ specifier, path, names }) => {
    const called = names.filter(({ name }) => /^[a-z]/.test(name)).map(({ name }) => `\`${name}\``);
    const shown = called.length > 8 ? [...called.slice(0, 8), `${called.length - 8} more`] : called;
    return `| [\`${specifier}\`](${path.replace(folder, '')}) | ${shown.join(', ')}; ${names.length - called.length} types |`;
  });
  return [
    '# What the packages export',
    '',
    'A page for each entry point, with all that can be imported from it: signatures as TypeScript sees them, and what the docstrings say. Defaults and bounds of options',
    'are in one table in [Options](../options.md), codes in [Codes, reasons and warnings](../errors.md), events in [Events](../events.md).',
    '',
    '| import from | |',
    '| --- | --- |',
    ...rows,
    '',
  ].join('\n');
}

/** What TypeScript writes of each source, under the path of the source. */
function declarationFiles(tree: readonly TextFile[]): readonly TextFile[] {
  return packageSources(tree)
    .filter(({ path }) => !path.endsWith('.d.ts'))
    .map(({ path }) => {
      const built = path.replace('/src/', '/dist/').replace(/\.ts$/, '.d.ts');
      if (!existsSync(`${root}${built}`)) throw new Error(`${built} is not there; run npm run build`);
      return { path, text: readFileSync(`${root}${built}`, 'utf8') };
    });
}

function entriesOf(
  { name: packageName, exports = {} }: Manifest,
  tree: readonly TextFile[],
  declared: readonly TextFile[],
): readonly Entry[] {
  return Object.entries(exports).map(([subpath, target]) => {
    const specifier = `${packageName}${subpath.slice(1)}`;
    const home = `packages/${packageName.replace('@slackwater/', '')}/src/`;
    const built = typeof target === 'string' ? target : (target['default'] ?? '');
    const source = `${home}${built.replace('./dist/', '').replace(/\.js$/, '.ts')}`;
    const groups = groupsOf(tree.find(({ path }) => path === source));
    const names = publicNames(declared, [source]).map(({ name, declaredIn, declarations }) => {
      const file = declared.find(({ path }) => path === declaredIn);
      const local = declarations[0]?.name ?? name;
      return {
        name,
        group: groups.get(name),
        declarations: file === undefined ? [] : declarationsIn(file, local),
      };
    });
    const page = specifier.replace('@slackwater/', '').replaceAll('/', '-');
    return { specifier, packageName, names, path: `${folder}${page}.md` };
  });
}

/** The line comments of an entry are headings: `// measuring` counts for what is exported until the next. */
function groupsOf(file: TextFile | undefined): ReadonlyMap<string, string> {
  if (file === undefined) return new Map();
  const { comments, module } = parse(file);
  const headings = comments.filter(({ type }) => type === 'Line');
  return new Map(
    module.staticExports.flatMap(({ start, entries }) => {
      const heading = headings.findLast(({ end }) => end <= start)?.value.trim();
      return heading === undefined
        ? []
        : entries.map(({ exportName }) => [exportName.name ?? '', heading] as const);
    }),
  );
}

/** A name of another page: one of the same package's main entry, or of what all packages share. */
function linksFrom(from: Entry, entries: readonly Entry[]): LinkTo {
  const others = [from.packageName, '@slackwater/shared'].flatMap((specifier) =>
    entries.filter((entry) => entry !== from && entry.specifier === specifier),
  );
  return (name) => {
    const entry = others.find(({ names }) => names.some((one) => one.name === name));
    return entry === undefined ? undefined : `${entry.path.replace(folder, '')}${anchorsOf(entry).get(name)}`;
  };
}
