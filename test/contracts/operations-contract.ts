import { describe, expect, it } from 'vitest';
import { systemClock } from '../../packages/middleware/src/clock.ts';
import type { OpenEngine } from '../../packages/middleware/src/engines/engine.ts';
import { createKeyFile } from '../../packages/middleware/src/ledger/keys.ts';
import type { Ledger } from '../../packages/middleware/src/ledger/open-ledger.ts';
import { defineOperation } from '../../packages/middleware/src/operations/define-operation.ts';
import { type } from '../../packages/middleware/src/operations/labels.ts';
import type { Operation } from '../../packages/middleware/src/operations/operation.ts';
import { storedRuns } from '../../packages/middleware/src/operations/stored-runs.ts';
import type { TaskFailingEvent } from '../../packages/middleware/src/operations/tell-failing.ts';
import { watchFailures } from '../../packages/middleware/src/operations/watch-failures.ts';
import { type BerthOptions, runnerOn } from '../middleware/operations/dock.ts';
import { type MakeEngineUnderTest, scope, withEngineOf, withSecond } from './engine-under-test.ts';
import { ledgerOn } from './ledger-on.ts';

const number = type<number>();
const mostMs = 30_000;

/** What operations make of an engine's log and key-value store: runs that any host may go on with, forward and backward. */
export function operationsContract(make: MakeEngineUnderTest): void {
  const withEngine = withEngineOf(make);

  /** Two hosts on one ledger. */
  const onTwo = (body: (one: Host, two: Host, engine: OpenEngine) => Promise<void>): (() => Promise<void>) =>
    withEngine(async (engine, under) => {
      const keys = createKeyFile(scope);
      await withSecond(under, async (other) => {
        const ledgers = await Promise.all([engine, other].map((on) => ledgerOn(on, () => keys, systemClock)));
        const [one, two] = [engine, other].map((on, i) => hostOn(on, ledgers[i])) as [Host, Host];
        await body(one, two, engine);
        for (const ledger of ledgers) await ledger.close();
      });
    });

  describe('operations of dependent tasks', () => {
    it(
      'go from stage to stage, or back, and every host knows how they ended and what they gave',
      onTwo(async (one, two) => {
        const done: string[] = [];
        const host = one.berth();
        const there = two.berth();
        const good = await host.run(row('good', done));
        expect(await there.status(good.id)).toMatchObject({ status: 'succeeded' });
        const { state, values } = (await there.runner.values(good.id)) ?? {};
        expect(state && (await values?.valuesOf(['x', 'y'], state))).toEqual({ x: 1, y: 2 });
        expect(done.splice(0)).toEqual(['a', 'b', 'c']);
        const bad = await host.run(row('bad', done, 'c'));
        expect(await there.status(bad.id)).toMatchObject({ status: 'undone', failure: { stage: 2 } });
        expect(done).toEqual(['a', 'b', 'c', 'undo c', 'undo b', 'undo a']);
        await Promise.all([host.vanish(), there.vanish()]);
      }),
    );

    it(
      'are gone on with by one of those who look for them, and what a host says that was overtaken counts for nothing',
      onTwo(async (one, two) => {
        const done: string[] = [];
        let wakeUp: () => void = () => {};
        const operation = defineOperation({
          name: 'fenced',
          version: '1',
          tasks: {
            a: {
              outputs: { x: number },
              async run(_, { attempt }) {
                done.push(`begin ${attempt}`);
                if (attempt === 1) await new Promise<void>((resolve) => (wakeUp = resolve));
                done.push(`end ${attempt}`);
                return { x: attempt };
              },
              rollback: ({ outputs }) => void done.push(`undo what ${outputs?.x} did`),
            },
            b: { inputs: ['x'], run: () => Promise.reject(new Error('no')) },
          },
        });
        // Its first word is heard and no other: to the others it stands still, and it does not know.
        let isHeard = true;
        const silent = one.berth({
          leaseMs: 2_500,
          leaseStore: (store) => ({
            ...store,
            get: store.get.bind(store),
            delete: store.delete.bind(store),
            put: (...given) => (isHeard ? store.put(...given) : Promise.reject(new Error('not heard'))),
          }),
        });
        const id = await silent.start(operation);
        await until(() => done.includes('begin 1'));
        isHeard = false;
        const others = [one, two].map((host) => host.berth({ leaseMs: 2_500 }));
        for (const { known } of others) known.add(operation);
        const afterALook = async () => {
          await Promise.all(others.map(({ runner }) => runner.lookAround()));
          return done.includes('begin 2');
        };
        await until(afterALook);
        wakeUp();
        const status = await Promise.any(others.map((other) => other.settled(id)));
        expect(status).toMatchObject({ status: 'undone', failure: { failed: ['b'] } });
        await until(() => done.includes('end 1'));
        expect(done.filter((said) => said.startsWith('undo'))).toEqual(['undo what 2 did']);
        await Promise.all([silent, ...others].map((berth) => berth.vanish()));
      }),
    );

    it(
      'of which tasks fail too often are told by one of the hosts',
      onTwo(async (one, two, engine) => {
        const told: TaskFailingEvent[] = [];
        const hosts = [one, two].map((host) => ({ ...host, berth: host.berth() }));
        const failing = row('fails', [], 'a');
        for (let i = 0; i < 2; i += 1) await Promise.all(hosts.map(({ berth }) => berth.run(failing)));
        const rules = [{ task: 'a', count: 3, windowMs: 3_600_000 }];
        for (let i = 0; i < 2; i += 1) {
          await Promise.all(
            hosts.map(({ engine: { log, store }, ledger }) =>
              watchFailures({
                ...{ rules, clock: systemClock, log, store, stored: storedRuns(store) },
                ...{ records: ledger.operations, tell: (event) => told.push(event) },
              }),
            ),
          );
        }
        expect(told).toMatchObject([
          { task: 'a', count: 4, failures: [{ operation: 'row', stage: 0 }, {}, {}, {}] },
        ]);
        expect(await engine.store.list('failure/', { limit: 10 })).toHaveLength(4);
        await Promise.all(hosts.map(({ berth }) => berth.vanish()));
      }),
    );
  });
}

interface Host {
  readonly engine: OpenEngine;
  readonly ledger: Ledger;
  readonly berth: (options?: BerthOptions) => ReturnType<typeof runnerOn>;
}

function hostOn(engine: OpenEngine, ledger: Ledger | undefined): Host {
  if (ledger === undefined) throw new Error('there is no ledger');
  return { engine, ledger, berth: (options) => runnerOn({ ledger, engine }, options) };
}

/** Polls of `expect` belong to tests that run alone. */
async function until(isSo: () => boolean | Promise<boolean>): Promise<void> {
  for (const end = Date.now() + mostMs; !(await isSo()); ) {
    if (Date.now() > end) throw new Error('it did not come to be so');
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

/** Three tasks one after the other. */
function row(version: string, done: string[], fails = ''): Operation {
  const does = <Answer>(id: string, answer: Answer) => ({
    run(): Answer {
      done.push(id);
      if (id === fails) throw new Error('no');
      return answer;
    },
    rollback: () => void done.push(`undo ${id}`),
  });
  return defineOperation({
    name: 'row',
    version,
    tasks: {
      a: { outputs: { x: number }, ...does('a', { x: 1 }) },
      b: { inputs: ['x'], outputs: { y: number }, ...does('b', { y: 2 }) },
      c: { inputs: ['y'], ...does('c', {}) },
    },
  });
}
