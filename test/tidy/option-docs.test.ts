import { describe, expect, it } from 'vitest';
import { defaultsInCode, optionRows, plain, wrongOptions } from './option-docs.ts';
import { entriesOf, publicNames } from './public-names.ts';
import { readSource } from './source.ts';
import { fileAt, manifests, packageSources, readTree } from './tree.ts';

describe('docs/reference/options.md', () => {
  const tree = readTree();
  const entries = manifests(tree)
    .filter(({ path }) => /^packages\/(?:middleware|client-sdk)\//.test(path))
    .flatMap(entriesOf);
  const interfaces = publicNames(packageSources(tree), entries).filter(({ name }) =>
    name.endsWith('Options'),
  );

  it.each(['middleware', 'client-sdk'])('covers the options of %s', (name) => {
    expect(interfaces.filter(({ entry }) => entry === `packages/${name}/src/index.ts`)).not.toEqual([]);
  });

  it('has each public option with the default that its docstring and the code give it', () => {
    const rows = optionRows(fileAt(tree, 'docs/reference/options.md'));
    const complaints = interfaces.flatMap(({ declaredIn, declarations }) => {
      const inCode = declaredIn === undefined ? new Map() : defaultsInCode(fileAt(tree, declaredIn));
      return declarations.flatMap((declaration) => wrongOptions(declaration, rows, inCode));
    });
    expect(complaints).toEqual([]);
  });
});

describe('the check of option documentation', () => {
  const source = {
    path: 'options.ts',
    text: `export interface AOptions {
      /** Right. Default 30,000; 0 for none. */ readonly right?: number;
      /** Right. Default 1 MiB. */ readonly rightBytes?: number;
      readonly silent?: string;
      /** No row. */ readonly rowless?: string;
      /** Default 1. */ readonly otherRow?: number;
      /** Default \`x.y\`. */ readonly otherCode?: string;
      /** @internal */ readonly hidden?: string;
    }
    const aDefaults = {
      right: 30 * 1_000,
      rightBytes: 1024 * 1024,
      otherCode: 'z',
    };`,
  };
  const reference = {
    path: 'options.md',
    text: `# \`AOptions\`
| option | type | default | meaning |
| --- | --- | --- | --- |
| \`a.right\` | number | 30 s | m |
| \`rightBytes\` | number | 1 MiB | m |
| \`otherRow\` | number | 2 | |
| \`otherCode\` | string | \`x.y\` | m |
# \`BOptions\`
| option | type | default | meaning |
| --- | --- | --- | --- |
| \`rowless\` | string | - | of another interface |
`,
  };

  it('finds what is missing and what differs', () => {
    const complaints = readSource(source).declarations.flatMap((declaration) =>
      wrongOptions(declaration, optionRows(reference), defaultsInCode(source)),
    );
    expect(complaints).toEqual([
      'AOptions.silent has no docstring',
      'AOptions.rowless has no row in docs/reference/options.md',
      'AOptions.otherRow has a row without a meaning',
      'AOptions.otherRow has the default 2 in its row and 1 in its docstring',
      "AOptions.otherCode has the default 'z' in the code and x.y in its docstring",
    ]);
  });

  it.each([
    ['1 MiB', '1048576'],
    ['7 days', '604800000'],
    ['0.5', '0.5'],
    ['`/slackwater`', '/slackwater'],
    ['-', 'none'],
  ])('reads the default %s as %s', (written, meant) => {
    expect(plain(written)).toBe(meant);
  });
});
