import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { defineOperation } from '../../../packages/middleware/src/operations/define-operation.ts';
import { type } from '../../../packages/middleware/src/operations/labels.ts';
import type { Operation } from '../../../packages/middleware/src/operations/operation.ts';
import { type Bench, ledgerBench } from '../ledger/ledgers.ts';
import { crashAt } from './crashes.ts';
import { type Dock, openDock, runnerOn } from './dock.ts';

let bench: Bench;
let dock: Dock;

beforeAll(async () => {
  bench = await ledgerBench();
  dock = await openDock(bench);
});

afterAll(async () => {
  await dock.close();
  await bench.end();
});

const number = type<number>();

/** A trip in a world that, as the world does, takes each idempotency key once. */
function tripIn(world: Map<string, string>, fails: boolean): Operation {
  const task = (id: string) => ({
    run: (_: unknown, { idempotencyKey }: { readonly idempotencyKey: string }) => {
      world.set(idempotencyKey, id);
      return { [id]: 1 } as never;
    },
    rollback: (_: unknown, { idempotencyKey }: { readonly idempotencyKey: string }) => {
      world.delete(idempotencyKey.replace(/\/undo$/, ''));
    },
  });
  return defineOperation({
    name: 'trip',
    version: fails ? 'that fails' : 'that succeeds',
    tasks: {
      flight: { outputs: { flight: number }, ...task('flight') },
      card: { outputs: { card: number }, ...task('card') },
      hotel: {
        inputs: ['flight', 'card'],
        ...task('hotel'),
        run: (...given) => {
          task('hotel').run(...given);
          if (fails) throw new Error('no room');
          return {};
        },
      },
    },
    checks: { suits: { inputs: ['flight', 'card'], validate: ({ flight, card }) => flight === card } },
  });
}

describe.each([
  ['that succeeds', false],
  ['that fails and is undone', true],
] as const)('a run %s', (_, fails) => {
  it('is whole in the end, after whichever write its process ended (T-54)', async () => {
    let crashes = 0;
    for (let at = 1; ; at++) {
      const world = new Map<string, string>();
      const operation = tripIn(world, fails);
      const crash = crashAt(at);
      const first = runnerOn(dock, {
        ground: { records: crash.into(dock.ledger.operations, 'record', 'keep') },
        between: (stored) => crash.into(stored, 'create', 'settle', 'update'),
      });
      const starting = first.start(operation);
      const ended = starting.then((id) => first.settled(id));
      await Promise.race([ended, crash.happened]);
      // What was under way in it may go on for as long as this takes: it says nothing any more.
      await first.vanish();
      const second = runnerOn(dock);
      second.known.add(operation);
      await second.runner.lookAround();
      const id = await Promise.race([starting, Promise.resolve(undefined)]);
      const all = await dock.engine.store.list('operation/live/', { limit: 10 });
      const left = id ?? all[0]?.key.split('/').at(-1);
      if (left !== undefined) {
        const { status } = await second.settled(left);
        expect([at, status]).toEqual([at, fails ? 'undone' : 'succeeded']);
        const count = fails ? 0 : 3;
        expect([at, world.size]).toEqual([at, count]);
      } else {
        // It ended before the run was in the ledger: nothing of it may have happened.
        expect([at, world.size]).toEqual([at, 0]);
      }
      await second.vanish();
      expect(await dock.engine.store.list('operation/live/', { limit: 10 })).toEqual([]);
      if (!crash.hasHappened) break;
      crashes += 1;
    }
    expect(crashes).toBeGreaterThan(fails ? 12 : 9);
    expect(bench.verifyBytes(dock.ledger.verifierKey)).toMatchObject({ ok: true });
  });
});
