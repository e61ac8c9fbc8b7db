import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { systemClock } from '../../../packages/middleware/src/clock.ts';
import { defineOperation } from '../../../packages/middleware/src/operations/define-operation.ts';
import { external, type } from '../../../packages/middleware/src/operations/labels.ts';
import { equals } from '../../../packages/middleware/src/operations/rules.ts';
import { type Bench, ledgerBench } from '../ledger/ledgers.ts';
import { type Dock, inShort, openDock, runnerOn } from './dock.ts';

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

/** Resolves when so many have come. */
function meeting(count: number): () => Promise<void> {
  const waiting: (() => void)[] = [];
  return () =>
    new Promise((resolve) => {
      waiting.push(resolve);
      if (waiting.length === count) for (const go of waiting) go();
    });
}

/** Waits for what another process says, while this one reads its mail. */
async function untilRead({ runner }: Pick<Dock, 'runner'>, said: Promise<void>): Promise<void> {
  let isRead = false;
  const end = (): void => {
    isRead = true;
  };
  said.then(end, end);
  while (!isRead) {
    await runner.readMail();
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
  await said;
}

describe('an operation that runs', () => {
  it('hands what tasks give on to later stages, the next one or any (T-21, T-23, T-24)', async () => {
    const seen: unknown[] = [];
    const operation = defineOperation({
      name: 'hand on',
      version: '1',
      input: { who: type<string>() },
      tasks: {
        a: { inputs: ['who'], outputs: { x: type<number>() }, run: ({ who }) => ({ x: who.length }) },
        b: { inputs: ['x'], outputs: { y: type<string>() }, run: ({ x }) => ({ y: 'y'.repeat(x) }) },
        c: {
          inputs: ['x', 'y', 'who'],
          run(inputs) {
            seen.push(inputs);
            return {};
          },
        },
      },
    });
    const status = await dock.run(operation, { who: 'ann' });
    expect(status).toMatchObject({ status: 'succeeded' });
    expect(seen).toEqual([{ x: 3, y: 'yyy', who: 'ann' }]);
    expect(inShort(await dock.entries(status.id))).toEqual([
      'stage-planned',
      'stage-planned',
      'stage-planned',
      'task-begun a',
      'task-ended a',
      'stage-checked valid',
      'task-begun b',
      'task-ended b',
      'stage-checked valid',
      'task-begun c',
      'task-ended c',
      'stage-checked valid',
      'operation-settled',
    ]);
  });

  it('runs the tasks of a stage side by side: each waits for the others, and none would end alone (T-22)', async () => {
    const met = meeting(3);
    const run = async () => {
      await met();
      return {};
    };
    const operation = defineOperation({
      name: 'meet',
      version: '1',
      tasks: { a: { run }, b: { run }, c: { run } },
    });
    const status = await dock.run(operation);
    const [{ tasks = [] } = {}] = status.stages;
    const began = Math.max(...tasks.map(({ startedAt = 0 }) => startedAt));
    expect(tasks.every(({ endedAt = 0 }) => endedAt >= began)).toBe(true);
  });

  it('runs no more of them at once than it says', async () => {
    let atOnce = 0;
    let most = 0;
    const run = async () => {
      most = Math.max(most, ++atOnce);
      await new Promise((resolve) => setTimeout(resolve, 2));
      atOnce -= 1;
      return {};
    };
    const tasks = Object.fromEntries(Array.from({ length: 7 }, (_, i) => [`t${i}`, { run }]));
    await dock.run(defineOperation({ name: 'limit', version: '1', parallel: 2, tasks }));
    expect(most).toBe(2);
  });

  it('waits for what a person gives without holding back the siblings of the task that needs it (T-49)', async () => {
    const done: string[] = [];
    const operation = defineOperation({
      name: 'code',
      version: '1',
      tasks: {
        212: {
          inputs: [external('typed', type<string>())],
          outputs: { code: type<string>() },
          validate: { code: equals('right') },
          run({ typed }) {
            done.push('212');
            return { code: typed };
          },
        },
        211: {
          run() {
            done.push('211');
            return {};
          },
        },
        213: { inputs: ['code'], after: ['211'], run: () => ({}) },
      },
    });
    const id = await dock.start(operation);
    const waiting = await dock.until(
      id,
      ({ stages }) => stages[0]?.tasks.find((task) => task.id === '211')?.phase === 'ended',
    );
    expect(waiting).toMatchObject({ status: 'running', waitsFor: ['typed'] });
    expect(done).toEqual(['211']);
    await expect(dock.runner.provide(id, { other: 'right' })).rejects.toMatchObject({
      code: 'input-refused',
      message: 'operation "code": it is given "other", and takes nothing of that name now; there are typed',
    });
    await dock.runner.provide(id, { typed: 'right' });
    expect(await dock.settled(id)).toMatchObject({ status: 'succeeded', waitsFor: [] });
    expect(done).toEqual(['211', '212']);
    await expect(dock.runner.provide(id, { typed: 'again' })).rejects.toMatchObject({
      code: 'operation-unknown',
    });
  });

  it('takes what a person gives to another process than the one that runs it, and is undone where asked there (T-49)', async () => {
    const given: unknown[] = [];
    const operation = defineOperation({
      name: 'elsewhere',
      version: '1',
      tasks: {
        a: {
          inputs: [external('word', type<string>())],
          outputs: { word2: type<string>() },
          run({ word }) {
            given.push(word);
            return { word2: word };
          },
        },
        b: { inputs: ['word2', external('never', type<string>())], run: () => ({}) },
      },
    });
    const id = await dock.start(operation);
    const other = runnerOn(dock);
    other.known.add(operation);
    await untilRead(dock, other.runner.provide(id, { word: 'yes' }));
    await other.until(
      id,
      ({ waitsFor, stages }) => waitsFor[0] === 'never' && stages[0]?.tasks[0]?.end === 'succeeded',
    );
    expect(given).toEqual(['yes']);
    await untilRead(dock, other.runner.cancel(id));
    expect(await dock.settled(id)).toMatchObject({ status: 'undone', error: 'operation-canceled' });
    expect(await dock.engine.store.list('operation/mail/', { limit: 1 })).toEqual([]);
    await other.vanish();
  });

  it('is set aside while it waits, where others wait since later, and goes on by what the ledger has of it', async () => {
    const operation = defineOperation({
      name: 'patient',
      version: '1',
      tasks: {
        a: { outputs: { first: type<string>() }, run: () => ({ first: 'a' }) },
        b: {
          inputs: ['first', external('last', type<string>())],
          outputs: { both: type<string>() },
          run: ({ first, last }) => ({ both: first + last }),
        },
      },
    });
    const asked: string[] = [];
    const berth = runnerOn(dock, {
      mostWhole: 1,
      between: (stored) => ({
        ...stored,
        live(id) {
          asked.push(id);
          return stored.live(id);
        },
      }),
    });
    const ids: string[] = [];
    for (let i = 0; i < 4; i++) {
      const id = await berth.start(operation);
      ids.push(id);
      await berth.until(id, ({ stages }) => stages[0]?.tasks[0]?.phase === 'ended');
    }
    const [one = '', two = '', three = '', last = ''] = ids;
    const setAside = async (): Promise<readonly string[]> => {
      const found: string[] = [];
      for (const id of ids) {
        asked.length = 0;
        expect(await berth.status(id)).toMatchObject({ status: 'running', waitsFor: ['last'] });
        if (asked.length > 0) found.push(id);
      }
      return found;
    };
    await expect.poll(setAside).toEqual([one, two, three]);
    await berth.runner.lookAround();
    expect(berth.runner.size).toBe(4);
    const other = runnerOn(dock);
    await Promise.all([
      ...[1, 2].map(() => berth.runner.provide(one, { last: 'z' })),
      untilRead(berth, other.runner.provide(two, { last: 'y' })),
      berth.runner.cancel(three),
      berth.runner.provide(last, { last: 'x' }),
    ]);
    const ended = await Promise.all(ids.map((id) => berth.settled(id)));
    expect(ended.map(({ status }) => status)).toEqual(['succeeded', 'succeeded', 'undone', 'succeeded']);
    for (const [id, both] of [
      [one, 'az'],
      [two, 'ay'],
      [last, 'ax'],
    ] as const) {
      const run = await berth.runner.values(id);
      expect(await run?.values.valuesOf(['both'], run.state)).toEqual({ both });
      expect(inShort(await dock.entries(id))).not.toContain('operation-taken');
    }
    expect(berth.runner.size).toBe(0);
    expect(berth.troubles).toEqual([]);
    await Promise.all([other.vanish(), berth.vanish()]);
  });

  it('is gone on with by another process where it was set aside, and refuses there what it would not record', async () => {
    const operation = defineOperation({
      name: 'left behind',
      version: '1',
      tasks: { a: { inputs: [external('x', type<number>())], run: () => ({}) } },
    });
    const berth = runnerOn(dock, { mostWhole: 0 });
    const id = await berth.start(operation);
    await berth.vanish();
    expect(berth.runner.size).toBe(0);
    const next = runnerOn(dock, { mostWhole: 0 });
    next.known.add(operation);
    await next.runner.lookAround();
    await next.runner.provide(id, { x: 1 });
    expect(await next.settled(id)).toMatchObject({ status: 'succeeded' });
    await expect(berth.runner.provide(id, { x: 1 })).rejects.toMatchObject({ code: 'operation-closed' });
    await next.vanish();
  });

  it('has the key of its request for as long as it goes on, and is shown afterwards, and no longer', async () => {
    const dayMs = 86_400_000;
    let aheadMs = 0;
    const clock = { ...systemClock, wallNow: () => systemClock.wallNow() + aheadMs };
    const later = await openDock(bench, { application: 'later', clock, ground: { clock } });
    const records = later.ledger.operations;
    const request = { requester: 'ann', method: 'POST', url: '/doors', idempotencyKey: 'k' };
    const claim = (key = request) => records.claim(key, 'door', '{}');
    const operation = defineOperation({
      name: 'door',
      version: '1',
      tasks: { a: { inputs: [external('x', type<number>())], run: () => ({}) } },
    });
    const claimed = await claim();
    const unused = await claim({ ...request, idempotencyKey: 'unused' });
    if (claimed === undefined || unused === undefined) throw new Error('a key is taken');
    const id = await later.runner.start(operation, {}, { requester: 'ann', workType: 'default', claimed });
    expect(id).toBe(claimed.id);
    aheadMs = 30 * dayMs;
    expect(await claim()).toEqual(claimed);
    expect((await claim({ ...request, idempotencyKey: 'unused' }))?.id).not.toBe(unused.id);
    await later.runner.provide(id, { x: 1 });
    await later.settled(id);
    await expect.poll(() => later.runner.size).toBe(0);
    await later.runner.forgetOld();
    expect(await claim()).toEqual(claimed);
    aheadMs = 40 * dayMs;
    await later.runner.forgetOld();
    expect((await claim())?.id).not.toBe(id);
    expect(later.troubles).toEqual([]);
    await later.close();
  });

  it('is one of many at once, each with a chain of its own (T-44, T-47)', async () => {
    const operation = defineOperation({
      name: 'many',
      version: '1',
      input: { n: type<number>() },
      tasks: {
        a: { inputs: ['n'], outputs: { twice: type<number>() }, run: ({ n }) => ({ twice: 2 * n }) },
        b: {
          inputs: ['twice'],
          outputs: { more: type<number>() },
          run: ({ twice }) => ({ more: twice + 1 }),
        },
      },
    });
    const ids = await Promise.all(Array.from({ length: 40 }, (_, n) => dock.start(operation, { n })));
    const all = await Promise.all(ids.map((id) => dock.settled(id)));
    expect(all.map(({ status }) => status)).toEqual(ids.map(() => 'succeeded'));
    const heads = new Set<string>();
    for (const [n, id] of ids.entries()) {
      const found = await dock.runner.values(id);
      expect(await found?.values.valuesOf(['more'], found.state)).toEqual({ more: 2 * n + 1 });
      for (const { step } of await dock.entries(id)) if (step?.block?.first) heads.add(step.block.id);
    }
    expect(heads.size).toBe(40);
  });

  it('is nothing else than what was defined, and no text that is no id leads to one', async () => {
    for (const odd of [undefined, null, 'trip', {}, { tasks: {} }]) {
      await expect(dock.start(odd as never, {})).rejects.toMatchObject({ code: 'operation-invalid' });
    }
    for (const id of [
      '',
      '../start',
      '%00',
      'operation/live/',
      '01M7ZQVMC0DX8FYP87AP8QP394',
      'x'.repeat(5_000),
    ]) {
      expect(await dock.runner.state(id)).toBeUndefined();
      await expect(dock.runner.cancel(id)).rejects.toMatchObject({ code: 'operation-unknown' });
    }
    const waits = defineOperation({
      name: 'odd',
      version: '1',
      tasks: { a: { inputs: [external('x')], run: () => ({}) } },
    });
    const id = await dock.start(waits);
    for (const odd of [null, 'x', [1], 7]) {
      await expect(dock.runner.provide(id, odd as never)).rejects.toMatchObject({
        code: 'input-refused',
      });
    }
    await dock.runner.cancel(id);
    await dock.settled(id);
  });

  it('is refused before anything of it is kept where a stage is longer than an entry of the ledger', async () => {
    const tasks = Object.fromEntries(
      Array.from({ length: 10_000 }, (_, i) => [`task ${i}`, { run: () => ({}) }]),
    );
    const broad = defineOperation({ name: 'broad', version: '1', tasks });
    expect(() => dock.known.add(broad)).toThrow(/stage 0 has 10000 tasks/);
    await expect(dock.start(broad)).rejects.toMatchObject({
      code: 'operation-invalid',
      message: expect.stringMatching(
        /stage 0 has 10000 tasks and takes \d+ bytes; an entry of the ledger holds 60000, some \d+ of these tasks: have the others come after them/,
      ),
    });
    // That a run before it is over is noted a moment after it is.
    await expect.poll(() => dock.engine.store.list('operation/live/', { limit: 1 })).toEqual([]);
  });

  it('is started with exactly what its input has', async () => {
    const operation = defineOperation({
      name: 'input',
      version: '1',
      input: { n: type<number>() },
      tasks: { a: { inputs: ['n'], run: () => ({}) } },
    });
    for (const [input, message] of [
      [{}, 'it is started without "n", which its input has'],
      [{ n: 1, m: 2 }, 'it is given "m", and takes nothing of that name now; there are n'],
      [{ n: 1n }, /what it is given can not be written as JSON/],
      [{ n: 'x'.repeat(2 ** 20) }, /it is given \d+ bytes of JSON; 1048576 are the most/],
      ['n', 'it is started with "n"; give an object with its input, by label'],
    ] as const) {
      await expect(dock.start(operation, input)).rejects.toThrow(message);
    }
  });

  it('is looked for in the log only where nobody was told of its end meanwhile', async () => {
    const operation = defineOperation({
      name: 'awaited',
      version: '1',
      tasks: { a: { inputs: [external('x', type<number>())], run: () => ({}) } },
    });
    const { operations } = dock.ledger;
    const read: string[] = [];
    let reading: (() => void) | undefined;
    let goOn: Promise<void> | undefined;
    const glance: typeof operations.glance = async (id, from) => {
      read.push(id);
      reading?.();
      await goOn;
      return operations.glance(id, from);
    };
    const here = runnerOn(dock, { ground: { records: { ...operations, glance } } });
    const elsewhere = await dock.start(operation);
    const own = await here.start(operation);
    const ends = [here.settled(elsewhere), here.settled(own)];
    await expect.poll(() => read).toEqual([elsewhere]);
    let release: () => void = () => {};
    goOn = new Promise((resolve) => {
      release = resolve;
    });
    const isReading = new Promise<void>((resolve) => {
      reading = resolve;
    });
    const looking = here.runner.lookAround();
    await isReading;
    await here.runner.provide(own, { x: 1 });
    await ends[1];
    release();
    await looking;
    expect(read).toEqual([elsewhere, elsewhere]);
    await dock.runner.provide(elsewhere, { x: 1 });
    await dock.settled(elsewhere);
    await here.runner.lookAround();
    expect(await Promise.all(ends)).toMatchObject([{ status: 'succeeded' }, { status: 'succeeded' }]);
    await here.vanish();
  });

  it('is shown where it does not run without what else happened since being parsed', async () => {
    const waiting = defineOperation({
      name: 'shown elsewhere',
      version: '1',
      tasks: { a: { inputs: [external('x', type<number>())], run: () => ({}) } },
    });
    const { operations } = dock.ledger;
    const history: typeof operations.history = () => Promise.reject(new Error('all of the log is parsed'));
    const here = runnerOn(dock, { ground: { records: { ...operations, history } } });
    const id = await dock.start(waiting);
    expect(await here.status(id)).toMatchObject({ status: 'running' });
    await untilRead(dock, here.runner.provide(id, { x: 1 }));
    expect(await dock.settled(id)).toMatchObject({ status: 'succeeded' });
    await here.vanish();
  });

  it('records in one append what ends together, with what follows from it', async () => {
    const { operations } = dock.ledger;
    const appends: string[][] = [];
    const record: typeof operations.record = (owner, happenings) => {
      appends.push(happenings.map(({ type }) => type));
      return operations.record(owner, happenings);
    };
    const here = runnerOn(dock, { ground: { records: { ...operations, record } } });
    const task = { run: () => ({}) };
    const operation = defineOperation({
      name: 'together',
      version: '1',
      tasks: { a: task, b: task, c: task, d: { after: ['a', 'b', 'c'], ...task } },
    });
    expect(await here.run(operation)).toMatchObject({ status: 'succeeded' });
    expect(appends).toEqual([
      ['stage-planned', 'stage-planned'],
      ['task-begun', 'task-begun', 'task-begun'],
      ['task-ended', 'task-ended', 'task-ended', 'stage-checked', 'task-begun'],
      ['task-ended', 'stage-checked', 'operation-settled'],
    ]);
    await here.vanish();
  });
});
