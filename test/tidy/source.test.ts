import { describe, expect, it } from 'vitest';
import { readSource } from './source.ts';

function read(text: string): ReturnType<typeof readSource> {
  return readSource({ path: 'a/b.ts', text });
}

describe('what the checks see of a source', () => {
  it('sees every kind of import, and which of them are types', () => {
    const { imports } = read(`import './effect.ts';
      import type { A } from './type.ts';
      import { type B } from './inline.ts';
      export * from './all.ts';
      export type { C } from './retype.ts';
      const later = () => import('./lazy.ts');
      const name = './x.ts'; const computed = () => import(name);
      type D = import('./written.ts').D;
      const text = "import x from './string.ts'"; // import y from './comment.ts'`);
    expect(imports.map(({ specifier, typeOnly }) => [specifier, typeOnly])).toEqual([
      ['./effect.ts', false],
      ['./type.ts', true],
      // verbatimModuleSyntax leaves `import {} from` of it
      ['./inline.ts', false],
      ['./all.ts', false],
      ['./retype.ts', true],
      ['./lazy.ts', false],
      ['(computed)', false],
      ['./written.ts', true],
    ]);
  });

  it('sees exports with where they come from', () => {
    const { exports } = read(`export { a as b, type C } from './x.ts'; export * from './y.ts';
      const d = 1; export { d as e }; export interface F {} export default d;`);
    expect(exports).toEqual([
      { name: 'b', from: './x.ts', local: 'a', typeOnly: false },
      { name: 'C', from: './x.ts', local: 'C', typeOnly: true },
      { name: '*', from: './y.ts', local: '*', typeOnly: false },
      { name: 'e', from: undefined, local: 'd', typeOnly: false },
      { name: 'F', from: undefined, local: 'F', typeOnly: true },
      { name: 'default', from: undefined, local: 'd', typeOnly: false },
    ]);
  });

  it('sees a docstring only directly before its declaration or member', () => {
    const { declarations } = read(`/** Of A. */
      export interface A { /** Of x. */ readonly x: string; y(): void }
      /** Of nothing. */
      const ignored = 1, also = 2;
      // plain
      export function f(): void {}
      /** */
      export class Empty {}`);
    const seen = declarations.map(({ name, docstring }) => [name, docstring]);
    expect(seen).toEqual([
      ['A', 'Of A.'],
      ['ignored', 'Of nothing.'],
      ['also', 'Of nothing.'],
      ['f', undefined],
      ['Empty', undefined],
    ]);
    expect(declarations[0]?.members.map(({ name, docstring }) => [name, docstring])).toEqual([
      ['x', 'Of x.'],
      ['y', undefined],
    ]);
  });

  it('refuses a source that does not parse', () => {
    expect(() => read('const = 1')).toThrow('a/b.ts does not parse');
  });
});
