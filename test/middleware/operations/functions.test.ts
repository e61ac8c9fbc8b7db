import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { defineOperation } from '../../../packages/middleware/src/operations/define-operation.ts';
import { FunctionRegistry, nameFunction } from '../../../packages/middleware/src/operations/functions.ts';
import { type } from '../../../packages/middleware/src/operations/labels.ts';
import { operationFromData } from '../../../packages/middleware/src/operations/operation-data.ts';
import { fromSource, sourceDigest } from '../../../packages/middleware/src/operations/source.ts';
import { type Bench, ledgerBench } from '../ledger/ledgers.ts';
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

async function outputs(id: string, ...labels: readonly string[]): Promise<unknown> {
  const found = await dock.runner.values(id);
  return found?.values.valuesOf(labels, found.state);
}

describe('a function', () => {
  it('is found by name, version and digest, and no other is taken for it', () => {
    const registry = new FunctionRegistry();
    const call = () => 1;
    const pointer = registry.add('f', '1', call);
    expect(registry.find(pointer)).toBe(call);
    expect(registry.add('f', '1', () => 1)).toEqual(pointer);
    expect(() => registry.add('f', '1', () => 2)).toThrow(
      /function "f" version "1" is known already, and does something else/,
    );
    for (const other of [{ name: 'g' }, { version: '2' }, { digest: 'other' }]) {
      expect(() => registry.find({ ...pointer, ...other })).toThrow(
        expect.objectContaining({ code: 'function-missing' }),
      );
    }
  });

  it('can be written into the chain as its source, and runs where its digest was allowed (T-18)', async () => {
    const source = '({ n }) => ({ twice: 2 * n })';
    const operation = defineOperation({
      name: 'source',
      version: '1',
      input: { n: type<number>() },
      tasks: { a: { inputs: ['n'], outputs: { twice: type<number>() }, run: fromSource(source) } },
    });
    await expect(dock.start(operation, { n: 4 })).rejects.toMatchObject({ code: 'function-refused' });
    dock.known.allowed.add(sourceDigest(source));
    const { id, status } = await dock.run(operation, { n: 4 });
    expect(status).toBe('succeeded');
    expect(await outputs(id, 'twice')).toEqual({ twice: 8 });
    const [{ step } = {}] = await dock.entries(id);
    expect(step?.block?.tasks[0]?.run).toEqual({
      name: 'source',
      version: sourceDigest(source),
      digest: sourceDigest(source),
      isSource: true,
    });
  });

  it('runs from the source that was kept, where its process ended, and not where that was changed or is not allowed (T-18)', async () => {
    const source = "(_, { attempt }) => attempt === 1 ? new Promise(() => {}) : ({ said: 'from the chain' })";
    const digest = sourceDigest(source);
    const operation = defineOperation({
      name: 'source left',
      version: '1',
      tasks: { a: { outputs: { said: type<string>() }, run: fromSource(source) } },
    });
    const first = runnerOn(dock);
    first.known.allowed.add(digest);
    const id = await first.start(operation);
    await first.until(id, ({ stages }) => stages[0]?.tasks[0]?.phase === 'running');
    await first.vanish();
    // Whoever takes it over knows of the operation and allows nothing.
    const second = runnerOn(dock);
    second.known.add(operation);
    await second.runner.lookAround();
    expect(await second.until(id, ({ status }) => status === 'parked')).toMatchObject({
      error: 'function-refused',
    });
    const key = `operation/source/${Buffer.from(digest, 'base64').toString('hex')}`;
    await dock.engine.store.put(key, Buffer.from('() => ({ said: "changed" })'));
    await second.vanish();
    const third = runnerOn(dock);
    third.known.add(operation);
    third.known.allowed.add(digest);
    await third.runner.lookAround();
    expect(await third.status(id)).toMatchObject({ status: 'parked' });
    await dock.engine.store.put(key, Buffer.from(source));
    await third.runner.resume(id);
    expect(await third.settled(id)).toMatchObject({ status: 'succeeded' });
    expect(await outputs(id, 'said')).toEqual({ said: 'from the chain' });
    await third.vanish();
  });
});

describe('an operation that is data', () => {
  const functions = [
    nameFunction('double', '1', ({ n }: { n: number }) => ({ twice: 2 * n })),
    nameFunction('shout', '1', ({ twice }: { twice: number }) => ({ text: `${twice}!` })),
    nameFunction('is even', '2', (twice: number) => twice % 2 === 0),
  ];
  const data = {
    name: 'data',
    version: '1',
    input: ['n'],
    tasks: {
      double: {
        inputs: ['n'],
        outputs: ['twice'],
        run: { function: 'double', version: '1' },
        validate: { twice: { function: 'is even', version: '2' } },
      },
      shout: {
        inputs: ['twice'],
        outputs: ['text'],
        run: { function: 'shout', version: '1' },
        validate: { text: { matches: '^\\d+!$' } },
      },
    },
  };

  it('runs as one that is written, with functions by their names, and survives being stored as JSON (T-46)', async () => {
    const operation = operationFromData(JSON.parse(JSON.stringify(data)), functions);
    const { id, status } = await dock.run(operation, { n: 3 });
    expect(status).toBe('succeeded');
    expect(await outputs(id, 'text')).toEqual({ text: '6!' });
  });

  it('regroups by itself when a task is added or taken away (T-45)', () => {
    const stages = (more: object): unknown =>
      operationFromData({ ...data, tasks: { ...data.tasks, ...more } }, functions).stages.map(
        ({ tasks }) => tasks,
      );
    expect(stages({})).toEqual([['double'], ['shout']]);
    expect(stages({ last: { after: ['shout'], run: { function: 'double', version: '1' } } })).toEqual([
      ['double'],
      ['shout'],
      ['last'],
    ]);
    const { shout: _, ...rest } = data.tasks;
    expect(operationFromData({ ...data, tasks: rest }, functions).stages).toHaveLength(1);
  });

  it.each([
    [
      { ...data, tasks: { a: { run: { function: 'gone', version: '1' } } } },
      /"a": "run" names .* there is no function of that name and version/,
    ],
    [{ ...data, tasks: { a: { run: 'double' } } }, /"a": "run" is "double"; it has to be an object/],
    [
      {
        ...data,
        tasks: {
          a: { run: { function: 'double', version: '1' }, outputs: ['x'], validate: { x: { matches: '(' } } },
        },
      },
      /Invalid regular expression/,
    ],
    [{ ...data, input: 'n' }, /its "input" is "n"; give a list of labels/],
    [null, /the definition is null; it has to be an object/],
    [
      { ...data, tasks: { a: { run: { function: 'double', version: '1' }, runs: 1 } } },
      /task "a" has a member "runs"/,
    ],
  ])('is refused with what is wrong: %#', (wrong, message) => {
    expect(() => operationFromData(wrong, functions)).toThrow(message);
  });
});
