import { describe, expect, it } from 'vitest';
import { anchorsOf, codeBlocksOf, codeSpan, linksOf, tablesOf } from './markdown.ts';

const file = {
  path: 'a.md',
  text: `# A *title*, with \`code\`
See [b](./b.md#there "title") and ![c](c.png), not \`[d](d.md)\`.
\`\`\`sh
# no heading [e](e.md)
\`\`\`
## Same
### Same
[ref]: ./f.md

| \`option\` | type |
| --- | :-: |
| \`a\` | \`1 \\| 2\` |
| b | |

## Other
a | b
--- | ---
1 | 2
`,
};

describe('what the checks see of Markdown', () => {
  it('sees links outside code', () => {
    expect(linksOf(file)).toEqual([
      { target: './b.md#there', line: 2 },
      { target: 'c.png', line: 2 },
      { target: './f.md', line: 8 },
    ]);
  });

  it('makes anchors as GitHub does', () => {
    expect([...anchorsOf(file)]).toEqual(['a-title-with-code', 'same', 'same-1', 'other']);
  });

  it('sees tables with the headings they stand under', () => {
    expect(tablesOf(file)).toEqual([
      {
        header: ['`option`', 'type'],
        rows: [
          ['`a`', '`1 | 2`'],
          ['b', ''],
        ],
        headings: ['A *title*, with `code`', 'Same', 'Same'],
      },
      { header: ['a', 'b'], rows: [['1', '2']], headings: ['A *title*, with `code`', 'Other'] },
    ]);
    expect(codeSpan('`a`')).toBe('a');
    expect(codeSpan('a `b`')).toBeUndefined();
  });

  it('sees fenced blocks and what is given for them', () => {
    const text = 'x\n<!-- given: declare const a: number; -->\n```ts\nb(a);\n```\n\n```json\n{}\n```\n';
    expect(codeBlocksOf({ path: 'a.md', text })).toEqual([
      { language: 'ts', code: 'b(a);\n', given: 'declare const a: number;', line: 3 },
      { language: 'json', code: '{}\n', given: '', line: 7 },
    ]);
  });
});
