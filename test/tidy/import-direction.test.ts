import { describe, expect, it } from 'vitest';
import { againstTheRules, rows, rules } from './import-rules.ts';
import { tablesOf } from './markdown.ts';
import { fileAt, packageSources, readTree } from './tree.ts';

describe('the direction of imports between stages', { timeout: 180_000 }, () => {
  const tree = readTree();

  it('follows the rules', () => {
    expect(againstTheRules(packageSources(tree, 'middleware'))).toEqual([]);
  });

  it('is what docs/architecture.md says', () => {
    const architecture = fileAt(tree, 'docs/architecture.md');
    const table = tablesOf(architecture).find(({ header }) => header[0] === 'room');
    expect(table?.rows).toEqual(rows(rules));
  });

  it('finds an import upstream, a value where only types are allowed, and a file without a room', () => {
    const src = 'packages/middleware/src/';
    const complaints = againstTheRules([
      { path: `${src}decide/state.ts`, text: "import { now } from '../clock.ts'; import './decision.ts';" },
      { path: `${src}measure/window.ts`, text: "import type { Decision } from '../decide/decision.ts';" },
      { path: `${src}answer/defer.ts`, text: "export { accept } from '../ledger/ledger.ts';" },
      { path: `${src}perform/queue.ts`, text: "const later = () => import('../engines/sqlite/queue.ts');" },
      { path: `${src}ledger/tree.ts`, text: "import { leafHash } from '../../../shared/src/tree.ts';" },
      { path: `${src}attic/utils.ts`, text: '' },
      { path: `${src}slackwater.ts`, text: "import { accept } from './ledger/ledger.ts';" },
    ]);
    expect(complaints).toEqual([
      `${src}decide/state.ts:1 (decide) may not import ../clock.ts (clock)`,
      `${src}measure/window.ts:1 (measure) may not import types of ../decide/decision.ts (decide)`,
      `${src}answer/defer.ts:1 (answer) may not import ../ledger/ledger.ts (ledger)`,
      `${src}perform/queue.ts:1 (perform) may not import ../engines/sqlite/queue.ts (engines)`,
      `${src}ledger/tree.ts:1 (ledger) may not import ../../../shared/src/tree.ts (no room)`,
      `${src}attic/utils.ts belongs to no room of the import rules`,
    ]);
  });
});
