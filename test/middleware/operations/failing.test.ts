import { randomBytes } from 'node:crypto';
import { type LedgerEntry, type OperationStep, parseEntry, verifyWebhook } from '@slackwater/shared';
import { manualClock } from '@slackwater/test-support/manual-clock';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { EngineStore } from '../../../packages/middleware/src/engines/store.ts';
import {
  defineOperation,
  type Gate,
  slackwater,
  sqliteEngine,
  type TaskFailingEvent,
} from '../../../packages/middleware/src/index.ts';
import {
  type FailureRule,
  isCrossing,
  rulesFor,
} from '../../../packages/middleware/src/operations/failure-rule.ts';
import { firstSince } from '../../../packages/middleware/src/operations/first-since.ts';
import { storedRuns } from '../../../packages/middleware/src/operations/stored-runs.ts';
import { watchFailures } from '../../../packages/middleware/src/operations/watch-failures.ts';
import { type Bench, ledgerBench, type OpenedLedger } from '../ledger/ledgers.ts';
import { startReceiver } from '../perform/webhooks/receiver.ts';

const windowMs = 300_000;
const rule: FailureRule = { task: undefined, count: 10, windowMs };

describe('a type of task', () => {
  const minute = 60_000;
  const crossings = (times: readonly number[], own = rule): readonly number[] =>
    times.flatMap((_, i) => (isCrossing(times.slice(0, i + 1).reverse(), own) ? [i] : []));
  const every = (ms: number, many: number, from = 0): readonly number[] =>
    Array.from({ length: many }, (_, i) => from + i * ms);

  it.each<[string, readonly number[], readonly number[]]>([
    ['does not fail too often with the 10th failure, and does with the 11th', every(1_000, 11), [10]],
    ['does so once, however often it fails from there on', every(1_000, 200), [10]],
    ['does not where the first of them is a whole window ago', [0, ...every(1, 10, windowMs)], []],
    ['does where it is a moment less', [0, ...every(0, 10, windowMs - 1)], [10]],
    [
      'does so once at a rate about the threshold, though each failure is one too many',
      every(28_000, 100),
      [10],
    ],
    [
      'does so anew after a window in which it did not',
      [...every(1, 11), ...every(1, 11, windowMs + 20)],
      [10, 21],
    ],
    ['does not do so anew before', [...every(1, 11), ...every(minute, 11, 4 * minute)], [10]],
  ])('%s (T-40)', (_, times, expected) => {
    expect(crossings(times)).toEqual(expected);
  });

  it('does so by what stands in the log alone, and needs no more of it than twice the count', () => {
    fc.assert(
      fc.property(
        fc.array(fc.nat(40), { maxLength: 60 }),
        fc.integer({ min: 1, max: 4 }),
        fc.integer({ min: 1, max: 100 }),
        (gaps, count, ownMs) => {
          let at = 0;
          const times = gaps.map((gap) => (at += gap));
          const tooOften = times.map(
            (last, i) => times.slice(0, i + 1).filter((time) => last - time < ownMs).length > count,
          );
          const expected = times.flatMap((last, i) => {
            const isKnown = times.some(
              (time, before) => before < i && last - time < ownMs && tooOften[before],
            );
            return tooOften[i] && !isKnown ? [i] : [];
          });
          const own = { task: undefined, count, windowMs: ownMs };
          expect(crossings(times, own)).toEqual(expected);
          const needed = times.flatMap((_, i) =>
            isCrossing(
              times
                .slice(0, i + 1)
                .reverse()
                .slice(0, 2 * count + 1),
              own,
            )
              ? [i]
              : [],
          );
          expect(needed).toEqual(expected);
        },
      ),
    );
  });

  it('is judged by the rules that name it, and by those for all where none does', () => {
    const own = { task: 'pay', count: 3, windowMs };
    expect(rulesFor([rule, own], 'pay')).toEqual([own]);
    expect(rulesFor([rule, own], 'fly')).toEqual([rule]);
  });
});

describe('failures in a ledger', () => {
  const clock = manualClock(Date.parse('2026-05-01T12:00:00.000Z'));
  let bench: Bench;
  let host: OpenedLedger;
  let told: TaskFailingEvent[];

  beforeEach(async () => {
    bench = await ledgerBench();
    host = await bench.open({ clock });
    told = [];
  });
  afterEach(() => bench.end());

  const pointer = { name: 'f', version: '1', digest: Buffer.alloc(32).toString('base64') };

  /** Runs of which a task failed, as their processes leave them. */
  async function fail(task: string, many: number, end: OperationStep = { token: 1, end: 'failed' }) {
    await Promise.all(Array.from({ length: many }, () => failOnce(task, end)));
  }

  async function failOnce(task: string, end: OperationStep) {
    const { operations } = host.ledger;
    const id = operations.newId();
    const owner = { id, requester: 'r', workType: 'w' };
    const planned = { inputs: [], outputs: [], run: pointer, timeoutMs: 1, retries: 0 };
    const block = {
      ...({ id: `b-${id}`, operation: 'trip', version: '2', stage: 0, first: true, last: true } as const),
      ...{ parallel: 1, tasks: [{ ...planned, id: task }], checks: [] },
    };
    const run = {
      ...owner,
      from: await operations.end(),
      operation: 'trip',
      version: '2',
      runner: '',
      token: 1,
    };
    await storedRuns(host.engine.store).create(run);
    const step = { blockId: block.id, task, attempt: 1 };
    await operations.record(owner, [
      { type: 'stage-planned', step: { token: 1, block } },
      { type: 'task-begun', step: { ...step, token: 1 } },
      { type: 'task-ended', step: { ...step, error: 'task-failed', host: 'web-1', ...end } },
    ]);
  }

  const look = (on: OpenedLedger = host, rules: readonly FailureRule[] = [rule], store?: EngineStore) =>
    watchFailures({
      ...{ rules, clock, log: on.engine.log, store: store ?? on.engine.store },
      ...{ records: on.ledger.operations, stored: storedRuns(on.engine.store) },
      tell: (event) => told.push(event),
    });

  async function entries(): Promise<readonly LedgerEntry[]> {
    const all = await host.engine.log.read(0, 10_000);
    return all.map(parseEntry).filter(({ type }) => type === 'task-failing');
  }

  it('are no issue at the 10th, and one at the 11th, which the ledger and an event tell, with what helps to find them (T-40, T-43)', async () => {
    await fail('pay', 10);
    await look();
    expect([await entries(), told]).toEqual([[], []]);
    clock.advance(windowMs - 1);
    await fail('pay', 1);
    await Promise.all([look(), look()]);
    const [entry, ...more] = await entries();
    expect(more).toEqual([]);
    expect(entry?.failing).toMatchObject({
      task: 'pay',
      count: 11,
      threshold: 10,
      windowMs,
      hosts: ['web-1'],
    });
    expect(entry?.failing?.position).toBe((await host.engine.log.size()) - 2);
    expect(entry?.failing?.failures).toHaveLength(5);
    expect(entry?.failing?.failures[0]).toMatchObject({
      ...{ operation: 'trip', version: '2', stage: 0, attempt: 1, end: 'failed', error: 'task-failed' },
      ...{ host: 'web-1', position: entry?.failing?.position },
    });
    expect(told).toEqual([{ id: entry?.id, application: 'payments', ...entry?.failing }]);
    await fail('pay', 3);
    await look();
    expect(told).toHaveLength(1);
    await host.ledger.recover();
    expect(bench.verifyBytes(host.ledger.verifierKey)).toMatchObject({ ok: true });
  });

  it('count by type of task, and only where a task ended for good and did not succeed', async () => {
    const retryAt = '2026-05-01T12:00:01.000Z';
    await fail('pay', 6);
    await fail('fly', 6);
    await fail('pay', 5, { token: 1, end: 'succeeded' });
    await fail('pay', 5, { token: 1, end: 'aborted' });
    await fail('pay', 5, { token: 1, end: 'failed', retryAt });
    await look();
    expect(told).toEqual([]);
    await fail('pay', 5, { token: 1, end: 'timed-out' });
    await look();
    expect(told.map(({ task }) => task)).toEqual(['pay']);
  });

  it('slide out of the window', async () => {
    await fail('pay', 10);
    clock.advance(windowMs);
    await fail('pay', 10);
    await look();
    expect(told).toEqual([]);
  });

  it('of several processes count together, and are told by one of them; across a restart too (T-41)', async () => {
    const other = await bench.open({ clock });
    await fail('pay', 6);
    await Promise.all([look(), look(other)]);
    await host.close();
    host = await bench.open({ clock });
    await fail('pay', 5);
    for (let i = 0; i < 3; i += 1) await Promise.all([look(), look(other)]);
    expect(told).toHaveLength(1);
    expect(await entries()).toHaveLength(1);
    await host.close();
    host = await bench.open({ clock });
    await look();
    expect(told).toHaveLength(1);
  });

  it('are told by who comes next, where a process ends at any of its writes, and recorded once', async () => {
    await fail('pay', 11);
    for (let writes = 0; ; writes += 1) {
      let left = writes;
      const { store } = host.engine;
      const write =
        <Args extends unknown[], Result>(work: (...args: Args) => Promise<Result>) =>
        (...args: Args): Promise<Result> =>
          left-- > 0 ? work(...args) : Promise.reject(new Error('ended'));
      const ending: EngineStore = {
        ...{ get: store.get.bind(store), list: store.list.bind(store) },
        ...{ create: write(store.create.bind(store)), put: write(store.put.bind(store)) },
        ...{ update: write(store.update.bind(store)), delete: write(store.delete.bind(store)) },
      };
      const hasEnded = await look(host, [rule], ending).then(
        () => false,
        () => true,
      );
      // A killed process leaves its turn, which expires.
      await store.delete('failures/turn');
      if (!hasEnded && left > 0) break;
    }
    await look();
    expect(await entries()).toHaveLength(1);
    expect(told).toHaveLength(1);
  });

  it('are found where nobody has looked for long, without reading what counts no more', async () => {
    await fail('pay', 11);
    const before = await host.engine.log.size();
    clock.advance(3 * 3_600_000);
    await fail('fly', 1);
    expect(await firstSince(host.engine.log, clock.wallNow() - 1_000)).toBe(before);
    await look();
    expect(told).toEqual([]);
    await fail('fly', 10);
    await look();
    expect(told.map(({ task }) => task)).toEqual(['fly']);
  });

  it('are kept as far as they decide, and no further', async () => {
    const own = { task: undefined, count: 2, windowMs };
    for (let i = 0; i < 4; i += 1) {
      await fail('pay', 5);
      await look(host, [own]);
    }
    const kept = await host.engine.store.list('failure/', { limit: 1_000 });
    expect(kept.length).toBeLessThanOrEqual(5 + 5);
    expect(told).toHaveLength(1);
    clock.advance(2 * windowMs + 120_000);
    expect(await host.engine.store.list('failure/', { limit: 1_000 })).toEqual([]);
  });

  it('are looked for nowhere where there are no rules', async () => {
    await fail('pay', 11);
    await look(host, []);
    expect(await host.engine.store.list('failure', { limit: 10 })).toEqual([]);
  });
});

describe('a monitor', () => {
  it('is told of the type of task that it is for, by one signed webhook, whichever processes failed (T-42, T-43)', async () => {
    const bench = await ledgerBench();
    const receiver = await startReceiver();
    const secret = `whsec_${randomBytes(32).toString('base64')}`;
    const monitor = (path: string) => ({ url: `${receiver.url}/${path}`, secret });
    const told: unknown[] = [];
    const open = (): Gate => {
      const gate = slackwater({
        application: 'travel',
        engine: sqliteEngine({ directory: bench.directory }),
        ledger: { engineTimeoutMs: 30_000 },
        failureAlerts: [{ count: 3, windowMs: 3_600_000 }],
        monitors: { pay: monitor('payments'), '*': monitor('all') },
        webhooks: { allow: [receiver.url], privateAddresses: true },
      });
      gate.on('task-failing', (event) => told.push(event));
      return gate;
    };
    const gates = [open(), open()];
    await Promise.all(gates.map((gate) => gate.start()));
    const fails = (task: string) =>
      defineOperation({
        name: `fails ${task}`,
        version: '1',
        tasks: { [task]: { run: () => Promise.reject(new Error('a secret of the task')) } },
      });
    const [pay, fly] = [fails('pay'), fails('fly')];
    for (const operation of [pay, fly, pay, fly]) {
      await Promise.all(gates.map(async (gate) => (await gate.operations.start(operation, {})).settled));
    }
    await expect.poll(() => receiver.received.length, { timeout: 30_000 }).toBe(2);
    const byPath = new Map(receiver.received.map((one) => [one.path, one]));
    for (const [path, task] of [
      ['/payments', 'pay'],
      ['/all', 'fly'],
    ] as const) {
      const { headers = {}, body = '' } = byPath.get(path) ?? {};
      expect(verifyWebhook({ headers, body }, { secrets: [secret], nowMs: Date.now() })).toBe(true);
      expect(JSON.parse(body)).toMatchObject({
        type: 'task.failing',
        data: {
          application: 'travel',
          group: 'main',
          task,
          count: 4,
          threshold: 3,
          hosts: [expect.any(String)],
        },
      });
      expect(body).not.toContain('secret');
    }
    expect(told).toHaveLength(2);
    expect(await gates[0]?.audit.verify()).toMatchObject({ ok: true });
    await Promise.all(gates.map((gate) => gate.close()));
    await receiver.close();
    await bench.end();
  });
});
