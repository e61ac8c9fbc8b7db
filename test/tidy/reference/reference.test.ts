import { describe, expect, it } from 'vitest';
import { readTree } from '../tree.ts';
import { declarationsIn } from './declarations.ts';
import { render } from './page.ts';
import { folder, referencePages } from './reference.ts';
import { wordsOf } from './words.ts';

const fence = '```';

describe('the reference of what the packages export', () => {
  const tree = readTree();
  const pages = referencePages(tree);

  it('is what the docstrings say now; where it is not, npm run reference writes it', () => {
    const there = new Map(
      tree.filter(({ path }) => path.startsWith(folder)).map(({ path, text }) => [path, text]),
    );
    const stale = pages.filter(({ path, text }) => there.get(path) !== text).map(({ path }) => path);
    const left = [...there.keys()].filter((path) => !pages.some((page) => page.path === path));
    expect([...stale, ...left]).toEqual([]);
  });

  it('has a page for each entry of each package', () => {
    expect(pages.map(({ path }) => path.replace(folder, ''))).toEqual(
      expect.arrayContaining([
        'README.md',
        'client-sdk.md',
        'middleware.md',
        'middleware-pg.md',
        'shared.md',
      ]),
    );
  });
});

describe('a page of the reference', () => {
  const file = {
    path: 'a.d.ts',
    text: `
/**
 * Opens it, for {@link Options} of any kind, {@link Lost} or Map<string>.
 *
 * @param at where it is,
 *   as a path
 * @throws \`engine-closed\`, see docs/engines.md.
 */
export declare function open(at: string, options?: Options): Open;
export declare function open(at: URL): Open;
/** Options of {@link open}. */
export interface Options extends Base {
    /** How long, ms. Default 5. */
    readonly withinMs?: number;
    nested: {
        /** Kept. */
        readonly deep: 1;
    };
}
/** It is open. */
export declare class Open {
    #private;
    private constructor();
    /** Closes it. */
    close(): void;
}
/** The same word. */
export declare const OPTIONS: readonly ["a", \`b\`];`,
  };
  const names = ['Options', 'open', 'Open', 'OPTIONS'].map((name) => ({
    name,
    group: name === 'open' ? 'open' : 'the rest',
    declarations: declarationsIn(file, name),
  }));
  const page = render({ specifier: '@slackwater/a', names }, (name) =>
    name === 'Base' ? 'b.md#base' : undefined,
  );

  it('says of a function what it takes and throws, with its overloads, and links to what it uses', () => {
    expect(page).toContain(`### \`open\`

Opens it, for [\`Options\`](#options) of any kind, \`Lost\` or Map\\<string>.

* \`at\`: where it is, as a path

Throws \`engine-closed\`, see [engines.md](../../engines.md).

${fence}ts
function open(at: string, options?: Options): Open;
function open(at: URL): Open;
${fence}

With [\`Open\`](#open), [\`Options\`](#options).
`);
  });

  it('says of an interface what its members are, and leaves out the private ones of a class', () => {
    expect(page).toContain(`${fence}ts
interface Options extends Base
${fence}

* \`withinMs?: number\`

  How long, ms. Default 5.
*
  ${fence}ts
  nested: {
      /** Kept. */
      readonly deep: 1;
  }
  ${fence}

With [\`Base\`](b.md#base).
`);
    expect(page).toContain('* `close(): void`\n\n  Closes it.');
    expect(page).not.toMatch(/private/);
  });

  it('stands under the headings of its entry, and has an anchor of its own for what differs in case alone', () => {
    expect(page.match(/^#+ .*$/gm)).toEqual([
      '# `@slackwater/a`',
      '## The rest',
      '### `Options`',
      '### `Open`',
      '### `OPTIONS`',
      '## Open',
      '### `open`',
    ]);
    expect(page).toContain('* The rest: [`Options`](#options), [`Open`](#open), [`OPTIONS`](#options-1)');
  });

  it('keeps an example as it is, and code within words', () => {
    expect(wordsOf('Does `a<b>`.\n\n@example\nawait f();', () => undefined)).toBe(
      `Does \`a<b>\`.\n\n${fence}js\nawait f();\n${fence}`,
    );
  });
});
