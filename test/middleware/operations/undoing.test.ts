import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { defineOperation } from '../../../packages/middleware/src/operations/define-operation.ts';
import type { UndoFacts } from '../../../packages/middleware/src/operations/definition.ts';
import { type } from '../../../packages/middleware/src/operations/labels.ts';
import { mostUndoFailures } from '../../../packages/middleware/src/operations/next-steps.ts';
import { equals } from '../../../packages/middleware/src/operations/rules.ts';
import { type Bench, ledgerBench } from '../ledger/ledgers.ts';
import { type Dock, hurried, inShort, openDock } from './dock.ts';

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

/** What has been done and undone, in order. */
function diary() {
  const pages: string[] = [];
  const task = (id: string, answer: object = {}) => ({
    run: () => {
      pages.push(`do ${id}`);
      return answer as never;
    },
    rollback: () => void pages.push(`undo ${id}`),
  });
  return { pages, task };
}

const number = type<number>();

describe('an operation that fails', () => {
  it('is undone from the stage that failed back to the first, and nothing later was run (T-20, T-29, T-30, T-31)', async () => {
    const { pages, task } = diary();
    const operation = defineOperation({
      name: 'figure 4',
      version: '1',
      tasks: {
        411: { outputs: { a: number }, ...task('411', { a: 1 }) },
        412: { outputs: { b: number }, ...task('412', { b: 1 }) },
        413: { inputs: ['a', 'b'], outputs: { c: number }, ...task('413', { c: 1 }) },
        414: { inputs: ['c'], outputs: { d: number }, ...task('414', { d: 1 }) },
        415: { inputs: ['c'], outputs: { e: number }, ...task('415', { e: 1 }) },
        416: { inputs: ['c'], outputs: { f: number }, ...task('416', { f: 1 }) },
        417: { inputs: ['d', 'e', 'f'], ...task('417') },
      },
      checks: { 424: { inputs: ['d', 'e', 'f'], validate: () => 'they do not go together' } },
    });
    const status = await dock.run(operation);
    expect(status).toMatchObject({
      status: 'undone',
      error: 'stage-invalid',
      failure: { stage: 2, failed: ['424'] },
    });
    const undone = pages.slice(pages.indexOf('do 416') + 1);
    expect(undone.slice(0, 3).sort()).toEqual(['undo 414', 'undo 415', 'undo 416']);
    expect(undone[3]).toBe('undo 413');
    expect(undone.slice(4).sort()).toEqual(['undo 411', 'undo 412']);
    expect(pages.filter((page) => page.endsWith('417'))).toEqual([]);
    const said = inShort(await dock.entries(status.id));
    expect(said.indexOf('undo-begun 413')).toBeGreaterThan(said.lastIndexOf('undo-ended 414'));
    expect(said.indexOf('undo-begun 413')).toBeGreaterThan(said.lastIndexOf('undo-ended 416'));
    expect(said.indexOf('undo-begun 411')).toBeGreaterThan(said.indexOf('undo-ended 413'));
    const found = await dock.runner.values(status.id);
    const [, , third] = [...(found?.state.blocks.keys() ?? [])];
    expect(await found?.values.checkIssues(third ?? '')).toEqual({ 424: ['they do not go together'] });
  });

  it('in its first stage is undone there, and each task that began is (T-33, T-52)', async () => {
    const { pages, task } = diary();
    const told: unknown[] = [];
    const operation = defineOperation({
      name: 'first stage',
      version: '1',
      tasks: {
        a: { outputs: { x: number }, ...task('a', { x: 1 }) },
        b: {
          run() {
            throw new Error('no room');
          },
          rollback: (facts) => void told.push(facts),
        },
        c: { inputs: ['x'], ...task('c') },
      },
    });
    const status = await dock.run(operation);
    expect(status).toMatchObject({ status: 'undone', failure: { stage: 0, failed: ['b'] } });
    expect(pages).toEqual(['do a', 'undo a']);
    expect(told).toEqual([{ inputs: {}, outputs: undefined, end: 'failed' }]);
    const found = await dock.runner.values(status.id);
    expect(await found?.values.attempt('b', 1)).toEqual({ issues: ['Error: no room'] });
  });

  it('hands on nothing that is not valid, and says which task gave what (T-25, T-28, T-39)', async () => {
    const { pages, task } = diary();
    const told: UndoFacts<unknown, unknown>[] = [];
    const operation = defineOperation({
      name: 'valid',
      version: '1',
      input: { who: type<string>() },
      tasks: {
        a: {
          inputs: ['who'],
          outputs: { x: number },
          validate: { x: equals(3) },
          run: () => ({ x: 4 }),
          rollback: (facts) => void told.push(facts),
        },
        b: { inputs: ['x'], ...task('b') },
      },
    });
    const status = await dock.run(operation, { who: 'ann' });
    expect(status).toMatchObject({ status: 'undone', failure: { stage: 0, failed: ['a'] } });
    expect(status.stages[0]?.tasks[0]).toMatchObject({ end: 'invalid', error: 'task-answer-invalid' });
    expect(pages).toEqual([]);
    expect(told).toEqual([{ inputs: { who: 'ann' }, outputs: { x: 4 }, end: 'invalid' }]);
    const found = await dock.runner.values(status.id);
    expect(await found?.values.attempt('a', 1)).toEqual({ outputs: { x: 4 }, issues: ['"x": is not 3'] });
  });

  it.each<[string, unknown, string]>([
    ['nothing', undefined, 'it answered undefined; it has to answer an object with "x"'],
    ['a label less', {}, 'it did not answer "x"'],
    ['a label more', { x: 1, y: 2 }, 'it answered "y", which it does not declare'],
    ['what JSON can not say', { x: 1n }, 'what it answered can not be written as JSON'],
    ['a function', { x: () => 1 }, 'what it answered can not be written as JSON'],
    ['a list', [1], 'it answered [1]; it has to answer an object with "x"'],
    ['too much', { x: 'x'.repeat(2 ** 20) }, 'bytes of JSON; 1048576 are the most'],
  ])('does so where a task answers %s', async (_, answer, issue) => {
    const operation = defineOperation({
      name: 'answers',
      version: crypto.randomUUID(),
      tasks: { a: { outputs: { x: type<unknown>() }, run: () => answer as { x: unknown } } },
    });
    const status = await dock.run(operation);
    expect(status.stages[0]?.tasks[0]).toMatchObject({ end: 'invalid', error: 'task-answer-invalid' });
    const found = await dock.runner.values(status.id);
    const { issues: [said] = [] } = (await found?.values.attempt('a', 1)) ?? {};
    expect(said).toContain(issue);
  });

  it.each([[undefined], [null], ['a text'], [7], [Object.create(null)], [{ toString: null, toJSON: 1 }]])(
    'does so whatever a task throws: %#',
    async (thrown) => {
      const operation = defineOperation({
        name: 'throws',
        version: crypto.randomUUID(),
        tasks: {
          a: {
            async run() {
              throw thrown;
            },
          },
        },
      });
      const status = await dock.run(operation);
      expect(status).toMatchObject({ status: 'undone' });
      expect(status.stages[0]?.tasks[0]).toMatchObject({ end: 'failed', error: 'task-failed' });
    },
  );

  it('waits for siblings that run, telling them to stop, before it undoes anything (T-51)', async () => {
    const pages: string[] = [];
    const operation = defineOperation({
      name: 'siblings',
      version: '1',
      tasks: {
        fails: { run: () => Promise.reject(new Error('no')), rollback: () => void pages.push('undo fails') },
        stops: {
          run: (_, { signal }) =>
            new Promise((_resolve, reject) => {
              signal.addEventListener('abort', () => {
                pages.push('stops');
                reject(new Error('told to stop'));
              });
            }),
          rollback: ({ end }) => void pages.push(`undo stops ${end}`),
        },
        ends: {
          async run(_, { signal }) {
            await new Promise((resolve) => signal.addEventListener('abort', resolve));
            await new Promise((resolve) => setTimeout(resolve, 10));
            pages.push('ends');
            return {};
          },
          rollback: ({ end }) => void pages.push(`undo ends ${end}`),
        },
      },
    });
    expect(await dock.run(operation)).toMatchObject({
      status: 'undone',
      failure: { failed: ['fails', 'stops'] },
    });
    expect(pages.slice(0, 2)).toEqual(['stops', 'ends']);
    expect(pages.slice(2).sort()).toEqual(['undo ends succeeded', 'undo fails', 'undo stops aborted']);
  });

  it('counts a task that takes too long as one that did not succeed, and undoes it (T-52)', async () => {
    const told: string[] = [];
    const operation = defineOperation({
      name: 'slow',
      version: '1',
      tasks: {
        a: { timeoutMs: 5, run: () => new Promise(() => {}), rollback: ({ end }) => void told.push(end) },
      },
    });
    const status = await dock.run(operation);
    expect(status.stages[0]?.tasks[0]).toMatchObject({
      end: 'timed-out',
      error: 'task-timed-out',
      phase: 'undone',
    });
    expect(told).toEqual(['timed-out']);
  });

  it('tries a task again as often as it says, under the same key', async () => {
    const keys = new Set<string>();
    const attempts: number[] = [];
    const operation = defineOperation({
      name: 'again',
      version: '1',
      tasks: {
        a: {
          retries: 2,
          run(_, { attempt, idempotencyKey }) {
            keys.add(idempotencyKey);
            attempts.push(attempt);
            if (attempt < 3) throw new Error('not yet');
            return {};
          },
        },
      },
    });
    const { id, status } = await dock.run(operation);
    expect(status).toBe('succeeded');
    expect(attempts).toEqual([1, 2, 3]);
    expect([...keys]).toEqual([`${id}/a`]);
  });

  it('tries a rollback again; then it waits for a person, with no earlier stage undone, and goes on when told (T-53)', async () => {
    const pages: string[] = [];
    let isMended = false;
    const operation = defineOperation({
      name: 'stuck',
      version: '1',
      tasks: {
        first: {
          outputs: { x: number },
          run: () => ({ x: 1 }),
          rollback: () => void pages.push('undo first'),
        },
        sibling: { inputs: ['x'], run: () => ({}), rollback: () => void pages.push('undo sibling') },
        second: {
          inputs: ['x'],
          run: () => Promise.reject(new Error('no')),
          rollback() {
            pages.push('undo second');
            if (!isMended) throw new Error('can not be undone');
          },
        },
      },
    });
    const hasten: Dock = await openDock(bench, { ground: { clock: hurried } });
    const id = await hasten.start(operation);
    const parked = await hasten.until(id, ({ status }) => status === 'parked');
    expect(parked).toMatchObject({ status: 'parked', error: 'task-undo-failed' });
    const tries = Array.from({ length: mostUndoFailures }, () => 'undo second');
    expect(pages.toSorted()).toEqual([...tries, 'undo sibling'].toSorted());
    expect(hasten.events.at(-1)).toMatchObject({
      type: 'operation-parked',
      error: 'task-undo-failed',
      failed: ['second'],
    });
    isMended = true;
    await hasten.runner.resume(id);
    expect(await hasten.settled(id)).toMatchObject({ status: 'undone' });
    expect(pages.slice(-2)).toEqual(['undo second', 'undo first']);
    await hasten.close();
  });

  it('can be asked to, while it runs', async () => {
    const { pages, task } = diary();
    const operation = defineOperation({
      name: 'canceled',
      version: '1',
      tasks: {
        a: { outputs: { x: number }, ...task('a', { x: 1 }) },
        b: {
          inputs: ['x'],
          run: (_, { signal }) =>
            new Promise((resolve) => signal.addEventListener('abort', () => resolve({}))),
          rollback: () => void pages.push('undo b'),
        },
      },
    });
    const id = await dock.start(operation);
    await dock.until(id, ({ stages }) => stages[1]?.tasks[0]?.phase === 'running');
    await dock.runner.cancel(id);
    expect(await dock.settled(id)).toMatchObject({ status: 'undone', error: 'operation-canceled' });
    expect(pages).toEqual(['do a', 'undo b', 'undo a']);
  });
});
