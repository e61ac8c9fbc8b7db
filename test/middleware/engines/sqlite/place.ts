import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { manualClock } from '@slackwater/test-support/manual-clock';
import { sqliteEngine } from '../../../../packages/middleware/src/engines/sqlite/sqlite-engine.ts';
import type { EngineUnderTest } from '../../../contracts/engine-under-test.ts';

/** A directory of a test's own. */
export interface Place {
  readonly directory: string;
  dispose(): Promise<void>;
}

/** Makes an empty directory; `dispose` removes it with everything in it. */
export async function makePlace(): Promise<Place> {
  const directory = await mkdtemp(join(tmpdir(), 'slackwater-sqlite-'));
  return { directory, dispose: () => rm(directory, { recursive: true, force: true }) };
}

/** The embedded engine for the contract suite: time is the test's. */
export async function sqliteUnderTest(): Promise<EngineUnderTest> {
  const { directory, dispose } = await makePlace();
  const clock = manualClock();
  return {
    makeEngine: () => sqliteEngine({ directory }),
    clock,
    pass: async (ms) => clock.advance(ms),
    dispose,
  };
}
