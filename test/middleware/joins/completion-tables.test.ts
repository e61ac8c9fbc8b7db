import { SlackwaterError } from '@slackwater/shared';
import { manualClock } from '@slackwater/test-support/manual-clock';
import { afterEach, describe, expect, it } from 'vitest';
import { announceSource } from '../../../packages/middleware/src/drivers/driver.ts';
import { lookAtCompletionTables } from '../../../packages/middleware/src/joins/completion-tables.ts';

const undo: (() => void)[] = [];
afterEach(() => {
  for (const step of undo.splice(0)) step();
});

/** A database whose completion table is looked at; `error` is what the next look meets. */
function announced() {
  const world = { looks: 0, error: undefined as Error | undefined };
  const withdraw = announceSource({
    partition: 'tables',
    driver: 'test',
    connections: 1,
    probe: undefined,
    completions: {
      ready() {
        world.looks += 1;
        return world.error === undefined ? Promise.resolve() : Promise.reject(world.error);
      },
      find: () => Promise.resolve([]),
      shutOut: () => Promise.resolve('shut-out'),
    },
  });
  undo.push(withdraw);
  return Object.assign(world, { withdraw });
}

function looking() {
  const clock = manualClock();
  const look = lookAtCompletionTables(clock);
  undo.push(look.close);
  look.begin();
  return {
    clock,
    look,
    async pass(ms: number): Promise<void> {
      clock.advance(ms);
      await new Promise((resolve) => setImmediate(resolve));
    },
  };
}

const unreachable = Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' });

describe('completion tables', () => {
  it('are looked at when the ledger opens, also those of pools that are observed later', async () => {
    const before = announced();
    looking();
    const after = announced();
    expect([before.looks, after.looks]).toEqual([1, 1]);
  });

  it('are looked at again, less and less often, while their database can not be asked', async () => {
    const world = announced();
    world.error = unreachable;
    const { clock, pass } = looking();
    await pass(0);
    for (const [at, ms] of [1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000].entries()) {
      await pass(ms - 1);
      expect(world.looks).toBe(at + 1);
      await pass(1);
    }
    world.error = undefined;
    await pass(30_000);
    const { looks } = world;
    await pass(60_000);
    expect([world.looks, clock.pending]).toEqual([looks, 0]);
  });

  it('are not looked at again where they are missing, the pool has ended, or the gate is closed', async () => {
    const missing = announced();
    missing.error = new SlackwaterError('completion-table-missing', 'It is missing.');
    const ended = announced();
    ended.error = unreachable;
    const { look, pass } = looking();
    ended.withdraw();
    await pass(0);
    const open = announced();
    open.error = unreachable;
    await pass(0);
    look.close();
    await pass(60_000);
    expect([missing.looks, ended.looks, open.looks]).toEqual([1, 1, 1]);
  });
});
