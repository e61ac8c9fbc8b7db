import type { OperationBlock } from '@slackwater/shared';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { LedgerError } from '../../../packages/middleware/src/ledger/ledger-error.ts';
import { blockHash, chainOf } from '../../../packages/middleware/src/operations/chain.ts';
import { defineOperation } from '../../../packages/middleware/src/operations/define-operation.ts';
import { nameFunction } from '../../../packages/middleware/src/operations/functions.ts';
import { external, type } from '../../../packages/middleware/src/operations/labels.ts';
import type { Operation } from '../../../packages/middleware/src/operations/operation.ts';
import { storedRuns } from '../../../packages/middleware/src/operations/stored-runs.ts';
import { type Bench, ledgerBench } from '../ledger/ledgers.ts';
import { type Berth, type Dock, inShort, openDock, runnerOn } from './dock.ts';

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

/** Puts a chain into the ledger that nobody has, as a process leaves it that ends there. */
async function leave(operation: Operation, blocks: readonly OperationBlock[]): Promise<string> {
  const { operations } = dock.ledger;
  const owner = { id: operations.newId(), requester: await operations.pseudonym('ann'), workType: '' };
  const from = await operations.end();
  await operations.keep(owner, 'start', JSON.stringify({ salt: 'AAAAAAAAAAAAAAAAAAAAAA==', input: {} }));
  await operations.record(
    owner,
    blocks.map((block) => ({ type: 'stage-planned', step: { token: 1, block } })),
  );
  const { name, version } = operation;
  await storedRuns(dock.engine.store).create({
    ...owner,
    from,
    operation: name,
    version,
    runner: '',
    token: 1,
  });
  return owner.id;
}

/** Has another process go on with what is left. */
async function goOn(operation: Operation): Promise<Berth> {
  const berth = runnerOn(dock);
  berth.known.add(operation);
  await berth.runner.lookAround();
  return berth;
}

/** Blocks, each with the hash of the one before as it is now. */
function linked(...blocks: readonly OperationBlock[]): readonly OperationBlock[] {
  const made: OperationBlock[] = [];
  for (const block of blocks) {
    const before = made.at(-1);
    made.push(before === undefined ? block : { ...block, previous: blockHash(before) });
  }
  return made;
}

let ids = 0;
const newId = (): string => `block-${++ids}`;

describe('what a run goes by', () => {
  it('is its chain: each block has the id of the next and the hash of the one before, the first and the last are marked (T-13, T-14, T-16)', async () => {
    const operation = threeInARow([]);
    const id = await dock.start(operation);
    await dock.settled(id);
    const blocks = (await dock.entries(id)).flatMap(({ step }) => step?.block ?? []);
    expect(blocks.map(({ stage, first, last }) => [stage, first, last])).toEqual([
      [0, true, undefined],
      [1, undefined, undefined],
      [2, undefined, true],
    ]);
    const [first, second, third] = blocks;
    expect([first?.next, second?.next, third?.next]).toEqual([second?.id, third?.id, undefined]);
    expect(first?.previous).toBeUndefined();
    expect(second?.previous).toBe(first && blockHash(first));
    expect(third?.previous).toBe(second && blockHash(second));
    // Everything that is run, checked and undone by is named there (T-17).
    expect(first?.tasks[0]).toMatchObject({
      id: 'a',
      run: { name: 'row/a/run', version: '1', digest: expect.stringMatching(/^.{43}=$/) },
      validate: [{ label: 'x', rule: { name: 'row/a/validate/x', version: '1' } }],
      rollback: { name: 'row/a/rollback', version: '1' },
    });
  });

  it('is the pointer forward: with another one in its place another block runs (T-15)', async () => {
    const done: string[] = [];
    const operation = threeInARow(done);
    const [a, b, c] = chainOf(operation, dock.known.add(operation), newId) as [
      OperationBlock,
      OperationBlock,
      OperationBlock,
    ];
    const id = await leave(operation, linked({ ...a, next: c.id }, c).concat(b));
    const berth = await goOn(operation);
    expect(await berth.settled(id)).toMatchObject({ status: 'succeeded' });
    expect(done).toEqual(['a', 'c']);
  });

  it('is the pointer to a check, and not what the task of that name is checked by elsewhere (T-19)', async () => {
    const done: string[] = [];
    const operation = threeInARow(done);
    const other = defineOperation({
      name: 'row of others',
      version: '1',
      tasks: { a: { outputs: { x: number }, validate: { x: () => 'never good' }, run: () => ({ x: 1 }) } },
    });
    const [a, ...rest] = chainOf(operation, dock.known.add(operation), newId) as [
      OperationBlock,
      ...OperationBlock[],
    ];
    const [strict] = chainOf(other, dock.known.add(other), newId);
    const validate = strict?.tasks[0]?.validate ?? [];
    const swapped = { ...a, tasks: a.tasks.map((task) => ({ ...task, validate })) };
    const id = await leave(operation, linked(swapped, ...rest));
    const berth = runnerOn(dock);
    for (const one of [operation, other]) berth.known.add(one);
    await berth.runner.lookAround();
    expect(await berth.settled(id)).toMatchObject({ status: 'undone', failure: { failed: ['a'] } });
    expect(done).toEqual(['a', 'undo a']);
  });

  it('is the pointer to a rollback, for each of its tasks (T-20)', async () => {
    const done: string[] = [];
    const undo = nameFunction('another rollback', '7', () => void done.push('undo by another'));
    const operation = threeInARow(done, true);
    const blocks = chainOf(operation, dock.known.add(operation), newId);
    const other = defineOperation({
      name: 'has it',
      version: '1',
      tasks: { z: { run: () => ({}), rollback: undo } },
    });
    const [has] = chainOf(other, dock.known.add(other), newId);
    const rollback = has?.tasks[0]?.rollback;
    const swapped = blocks.map((block) => ({
      ...block,
      tasks: block.tasks.map((task) => ({ ...task, ...(rollback && { rollback }) })),
    }));
    const id = await leave(operation, linked(...swapped));
    const berth = runnerOn(dock);
    for (const one of [operation, other]) berth.known.add(one);
    await berth.runner.lookAround();
    expect(await berth.settled(id)).toMatchObject({ status: 'undone' });
    expect(done).toEqual(['a', 'b', 'undo by another', 'undo by another']);
  });

  it('is refused where it was changed, before anything of it is run or undone (T-55)', async () => {
    const done: string[] = [];
    const operation = threeInARow(done);
    const id = await leave(operation, chainOf(operation, dock.known.add(operation), newId));
    const entries = await dock.engine.log.read(0, 10_000);
    const at = entries.findIndex(
      (bytes) => Buffer.from(bytes).includes(id) && Buffer.from(bytes).includes('"stage":1,'),
    );
    const changed = Buffer.from(
      Buffer.from(entries[at] ?? '')
        .toString()
        .replace('row/b/run', 'row/c/run'),
    );
    bench.database((db) => db.prepare('UPDATE log_1 SET entry = ? WHERE position = ?').run(changed, at));
    const berth = runnerOn(dock);
    berth.known.add(operation);
    await expect(berth.runner.lookAround()).rejects.toMatchObject({ code: 'record-corrupt' });
    expect(done).toEqual([]);
    bench.database((db) =>
      db.prepare('UPDATE log_1 SET entry = ? WHERE position = ?').run(entries[at] ?? '', at),
    );
    await berth.vanish();
    const later = await goOn(operation);
    expect(await later.settled(id)).toMatchObject({ status: 'succeeded' });
  });
});

function threeInARow(done: string[], fails = false): Operation {
  const rollback = (id: string) => () => void done.push(`undo ${id}`);
  return defineOperation({
    name: 'row',
    version: fails ? 'that fails' : '1',
    tasks: {
      a: {
        outputs: { x: number },
        validate: { x: (x) => x > 0 },
        run() {
          done.push('a');
          return { x: 1 };
        },
        rollback: rollback('a'),
      },
      b: {
        after: ['a'],
        outputs: { y: number },
        run() {
          done.push('b');
          if (fails) throw new Error('no');
          return { y: 1 };
        },
        rollback: rollback('b'),
      },
      c: {
        inputs: ['x'],
        after: ['b'],
        run() {
          done.push('c');
          return {};
        },
        rollback: rollback('c'),
      },
    },
  });
}

describe('a run whose process ended', () => {
  it('that was changed while it ran is refused as well, and parked with the reason (T-55)', async () => {
    const done: string[] = [];
    let at = 0;
    let entries: readonly Uint8Array[] = [];
    const operation = defineOperation({
      name: 'altered',
      version: '1',
      tasks: {
        a: {
          outputs: { x: number },
          async run(_, { operation: id }) {
            entries = await dock.engine.log.read(0, 10_000);
            at = entries.findIndex(
              (bytes) => Buffer.from(bytes).includes(id) && Buffer.from(bytes).includes('"stage":1,'),
            );
            const changed = Buffer.from(
              Buffer.from(entries[at] ?? '')
                .toString()
                .replace('"timeoutMs":60000', '"timeoutMs":60001'),
            );
            bench.database((db) =>
              db.prepare('UPDATE log_1 SET entry = ? WHERE position = ?').run(changed, at),
            );
            return { x: 1 };
          },
        },
        b: { inputs: ['x'], run: () => void done.push('b') as never },
      },
    });
    const id = await dock.start(operation);
    // What stands there now can't be read, and so is told by nobody: the event is.
    const parked = () => dock.events.find((event) => event.id === id && event.type === 'operation-parked');
    await expect.poll(parked, { timeout: 30_000 }).toMatchObject({ error: 'record-corrupt' });
    expect(done).toEqual([]);
    bench.database((db) =>
      db.prepare('UPDATE log_1 SET entry = ? WHERE position = ?').run(entries[at] ?? '', at),
    );
    await dock.runner.resume(id);
    await dock.settled(id);
    expect(done).toEqual(['b']);
  });

  it('waits with the reason while a function is missing, and goes on when it is there', async () => {
    const done: string[] = [];
    const define = (word: string): Operation =>
      defineOperation({
        name: 'missing',
        version: '1',
        tasks: {
          a: {
            run: word === 'one' ? () => void done.push('one') as never : () => void done.push('two') as never,
          },
        },
      });
    const operation = define('one');
    const id = await leave(operation, chainOf(operation, dock.known.add(operation), newId));
    // Deployed with something else under the same name and version.
    const other = await goOn(define('two'));
    const parked = await other.until(id, ({ status }) => status === 'parked');
    expect(parked).toMatchObject({ error: 'function-missing' });
    await other.vanish();
    const again = await goOn(define('two'));
    expect(done).toEqual([]);
    await again.vanish();
    const right = await goOn(operation);
    expect(await right.settled(id)).toMatchObject({ status: 'succeeded' });
    expect(done).toEqual(['one']);
    expect(inShort(await dock.entries(id))).toEqual([
      'stage-planned',
      'operation-taken',
      'operation-parked function-missing',
      'operation-taken',
      'operation-resumed',
      'task-begun a',
      'task-ended a',
      'stage-checked valid',
      'operation-settled',
    ]);
    await right.vanish();
  });

  it('keeps its chain where another version of the operation is deployed beside', async () => {
    const done: string[] = [];
    const version = (name: string): Operation =>
      defineOperation({
        name: 'versions',
        version: name,
        tasks: { a: { run: nameFunction(`do ${name}`, name, () => void done.push(name) as never) } },
      });
    const [one, two] = [version('1'), version('2')];
    const id = await leave(one, chainOf(one, dock.known.add(one), newId));
    const berth = runnerOn(dock);
    for (const both of [two, one]) berth.known.add(both);
    await berth.runner.lookAround();
    await berth.settled(id);
    expect(done).toEqual(['1']);
  });

  it('whose lease was over for a while is taken up again by the same one, where no other has it', async () => {
    const done: string[] = [];
    let isHeard = true;
    let goOnNow: () => void = () => {};
    const operation = defineOperation({
      name: 'lapsed',
      version: '1',
      tasks: {
        a: {
          outputs: { x: number },
          async run(_, { attempt }) {
            done.push(`begin ${attempt}`);
            if (attempt === 1) await new Promise<void>((resolve) => (goOnNow = resolve));
            return { x: attempt };
          },
        },
        b: { inputs: ['x'], run: ({ x }) => void done.push(`b after ${x}`) as never },
      },
    });
    const berth = runnerOn(dock, {
      leaseMs: 300,
      leaseStore: (store) => ({
        ...store,
        put: (...given) => (isHeard ? store.put(...given) : Promise.reject(new Error('not heard'))),
      }),
    });
    const id = await berth.start(operation);
    await expect.poll(() => done).toEqual(['begin 1']);
    isHeard = false;
    await expect.poll(() => berth.runner.size).toBe(0);
    goOnNow();
    isHeard = true;
    await berth.runner.lookAround();
    expect(await berth.settled(id)).toMatchObject({ status: 'succeeded' });
    // On a busy machine its lease may be over once more; what counts is that the first attempt counts for nothing.
    expect(done.filter((one) => one.startsWith('b after'))).toEqual([expect.not.stringMatching(/ 1$/)]);
    await berth.vanish();
  });

  it('is read where its entries stand, once it is settled or waits for somebody, whatever the log has had since', async () => {
    const looks: number[] = [];
    const records = dock.ledger.operations;
    const counting = {
      ...records,
      history: (ids: ReadonlySet<string>, from: number) => {
        looks.push(from);
        return records.history(ids, from);
      },
    };
    const berth = (): Berth => runnerOn(dock, { ground: { records: counting } });
    let isMended = false;
    const operation = defineOperation({
      name: 'long ago',
      version: '1',
      tasks: {
        a: { outputs: { x: number }, run: () => ({ x: 1 }), rollback: () => {} },
        b: {
          inputs: ['x'],
          partition: () => {
            if (isMended) return 'there';
            throw new LedgerError('record-corrupt', 'not yet');
          },
          run: () => ({}),
        },
      },
    });
    const one = berth();
    const parked = await one.start(operation);
    await one.until(parked, ({ status }) => status === 'parked');
    isMended = true;
    const { id: settled } = await one.run(operation);
    await one.vanish();
    looks.length = 0;
    const other = berth();
    other.known.add(operation);
    expect(await other.status(settled)).toMatchObject({ status: 'succeeded' });
    // What is noted, is noted after the run has left its process.
    await expect.poll(async () => (await storedRuns(dock.engine.store).live(parked))?.run.at).toHaveLength(6);
    expect(await other.status(parked)).toMatchObject({ status: 'parked', error: 'record-corrupt' });
    await other.runner.resume(parked);
    expect(await other.settled(parked)).toMatchObject({ status: 'succeeded' });
    expect(looks).toEqual([]);
    expect(await dock.status(parked)).toMatchObject({ status: 'succeeded' });
    await other.vanish();
  });

  it('is left to whoever has it by then, where its process was too late to note that it waits', async () => {
    const operation = defineOperation({
      name: 'late',
      version: '1',
      tasks: {
        a: {
          partition: () => {
            throw new LedgerError('record-corrupt', 'not yet');
          },
          run: () => ({}),
        },
      },
    });
    const other = runnerOn(dock);
    other.known.add(operation);
    const stored = storedRuns(dock.engine.store);
    const late = runnerOn(dock, {
      between: (between) => ({
        ...between,
        async live(id) {
          await dock.engine.store.delete(`operation/runner/${(await between.live(id))?.run.runner}`);
          await other.runner.lookAround();
          await expect
            .poll(async () => (await between.live(id))?.run.at, { timeout: 30_000 })
            .toHaveLength(3);
          return between.live(id);
        },
      }),
    });
    const id = await late.start(operation);
    await expect.poll(() => late.runner.size, { timeout: 30_000 }).toBe(0);
    expect((await stored.live(id))?.run).toMatchObject({ runner: '', token: 2, parked: 'record-corrupt' });
    expect((await stored.live(id))?.run.at).toHaveLength(3);
    await Promise.all([late.vanish(), other.vanish()]);
  });

  it('is looked for in the log from where the last one noted it, and found where what is noted is wrong', async () => {
    const operation = defineOperation({
      name: 'waits for long',
      version: '1',
      tasks: { a: { inputs: [external('code', number)], run: () => ({}) } },
    });
    const id = await leave(operation, chainOf(operation, dock.known.add(operation), newId));
    const owner = { id: dock.ledger.operations.newId(), requester: 'r', workType: '' };
    // Of a run that plans nothing: it is in the way.
    const others = Array.from(
      { length: 1_100 },
      () => ({ type: 'operation-taken', step: { token: 1 } }) as const,
    );
    await dock.ledger.operations.record(owner, others);
    const first = await goOn(operation);
    const stored = storedRuns(dock.engine.store);
    const live = await stored.live(id);
    const end = await dock.ledger.operations.end();
    expect(live?.run.at).toHaveLength(2);
    expect(live?.run.at?.at(-1)).toBeGreaterThan(end - 10);
    await first.vanish();
    const again = await stored.live(id);
    if (again === undefined) throw new Error('it is gone');
    await stored.update({ ...again.run, at: [again.run.from + 10, end - 1] }, again.revision);
    const berth = await goOn(operation);
    await berth.runner.provide(id, { code: 1 });
    expect(await berth.settled(id)).toMatchObject({ status: 'succeeded' });
    await berth.vanish();
  });
});
