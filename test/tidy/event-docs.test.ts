import { describe, expect, it } from 'vitest';
import { eventNames } from '../../packages/middleware/src/options/gate-events.ts';
import { tablesOf } from './markdown.ts';
import { readSource } from './source.ts';
import { fileAt, readTree } from './tree.ts';

const tree = readTree();
const page = fileAt(tree, 'docs/reference/events.md');
const source = fileAt(tree, 'packages/middleware/src/options/gate-events.ts');
const events = readSource(source);

/** The code spans in the first column of the table under a heading. */
function documented(heading: string): readonly string[] {
  return tablesOf(page)
    .filter(({ headings }) => headings.at(-1) === `\`${heading}\``)
    .flatMap(({ rows }) =>
      rows.flatMap(([cell = '']) => [...cell.matchAll(/`([\w-]+)`/g)].map(([, name = '']) => name)),
    );
}

function membersOf(interfaceName: string): readonly string[] {
  const found = events.declarations.find(({ name }) => name === interfaceName);
  return found?.members.map(({ name }) => name) ?? [];
}

describe('docs/reference/events.md', () => {
  it('describes every event', () => {
    const [, members = ''] = /interface GateEvents \{(.*?)\n\}/s.exec(source.text) ?? [];
    const names = [...members.matchAll(/^ {2}readonly '?([\w-]+)'?:/gm)].map(([, name = '']) => name);
    expect(names.length).toBeGreaterThan(5);
    expect([...names].sort()).toEqual([...eventNames].sort());
    for (const name of names) expect([name, documented(name).length > 0]).toEqual([name, true]);
  });

  it.each([
    ['decision', 'DecisionEvent'],
    ['state', 'StateEvent'],
    ['work-type', 'WorkTypeEvent'],
    ['warning', 'GateWarning'],
  ])('has the members of %s, and no others', (name, interfaceName) => {
    expect(membersOf(interfaceName).length).toBeGreaterThan(0);
    expect([...documented(name)].sort()).toEqual([...membersOf(interfaceName)].sort());
  });

  it.each([
    ['deferral', 'performer-events.ts'],
    ['batch', 'batches/batch-events.ts'],
  ])('has every type of the event %s, and no others', (event, file) => {
    const { text } = fileAt(tree, `packages/middleware/src/perform/${file}`);
    const types = [...text.matchAll(/readonly type: '([\w-]+)'/g)].map(([, type = '']) => type);
    expect(types.length).toBeGreaterThan(4);
    expect([...documented(event)].sort()).toEqual([...types].sort());
  });
});
