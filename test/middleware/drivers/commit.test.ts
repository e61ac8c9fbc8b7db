import { AsyncLocalStorage } from 'node:async_hooks';
import { commit, slackwater } from '@slackwater/middleware';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { requestContext } from '../../../packages/middleware/src/request-context.ts';
import { contextOf, type HeardCommits, hearCommits } from './commits.ts';

let heard: HeardCommits;

beforeEach(() => {
  heard = hearCommits('files');
});
afterEach(() => heard.close());

const summary = () => heard.finished.map(({ kind, outcome }) => `${kind} ${outcome}`);

describe('commit()', () => {
  it('measures what a function returns a promise of, as one explicit commit from its call to its end', async () => {
    const answer = commit('files', async () => {
      await new Promise((resolve) => setTimeout(resolve, 20));
      return 'kept';
    });
    expect(heard.started).toHaveLength(1);
    expect(heard.finished).toEqual([]);
    expect(await answer).toBe('kept');
    expect(heard.finished).toEqual(heard.started);
    expect(summary()).toEqual(['explicit committed']);
    expect(heard.finished[0]?.durationMs).toBeGreaterThan(15);
  });

  it('measures a synchronous function, and gives its result at once', () => {
    const result = { id: 1 };
    expect(commit('files', () => result)).toBe(result);
    expect(summary()).toEqual(['explicit committed']);
    expect(heard.finished[0]?.durationMs).toBeGreaterThanOrEqual(0);
  });

  it('is failed where the function throws or rejects, with the very same error', async () => {
    const error = new Error('disk');
    expect(() =>
      commit('files', () => {
        throw error;
      }),
    ).toThrow(error);
    await expect(commit('files', () => Promise.reject(error))).rejects.toBe(error);
    await expect(commit('files', () => Promise.reject(undefined))).rejects.toBeUndefined();
    expect(summary()).toEqual(['explicit failed', 'explicit failed', 'explicit failed']);
  });

  it('is rolled back or unknown where the function says so, whether it then returns or throws', async () => {
    await commit('files', async (note) => note.rolledBack());
    await expect(
      commit('files', async (note) => {
        note.unknown();
        throw new Error('connection lost');
      }),
    ).rejects.toThrow('connection lost');
    let late: (() => void) | undefined;
    commit('files', (note) => {
      note.rolledBack();
      note.unknown();
      late = () => note.rolledBack();
    });
    late?.();
    expect(summary()).toEqual(['explicit rolledBack', 'explicit unknown', 'explicit unknown']);
  });

  it('runs what is lazy once, as query builders are that start when they are awaited', async () => {
    let runs = 0;
    const begin = (resolve: (value: number) => void): void => {
      runs++;
      resolve(42);
    };
    const lazy: unknown = Object.fromEntries([['then', begin]]);
    expect(await commit('files', () => lazy as PromiseLike<number>)).toBe(42);
    expect(runs).toBe(1);
    expect(summary()).toEqual(['explicit committed']);
  });

  it('leaves an error that nobody catches one that nobody catches', async () => {
    const unhandled = new Promise<unknown>((resolve) => {
      const listeners = process.listeners('unhandledRejection');
      process.removeAllListeners('unhandledRejection');
      process.once('unhandledRejection', (error) => {
        for (const listener of listeners) process.on('unhandledRejection', listener);
        resolve(error);
      });
    });
    const error = new Error('nobody listens');
    void commit('files', () => Promise.reject(error));
    expect(await unhandled).toBe(error);
  });

  it("keeps the request's context of its call, inside and outside, and tells the request that it wrote", async () => {
    const storage = new AsyncLocalStorage<string>();
    const context = contextOf();
    await storage.run('mine', () =>
      requestContext.run(context, () =>
        commit('files', async () => {
          await null;
          expect([storage.getStore(), requestContext.getStore()]).toEqual(['mine', context]);
        }).then(() => expect(storage.getStore()).toBe('mine')),
      ),
    );
    expect(heard.finished[0]?.context).toBe(context);
    expect(context.written).toEqual(['files']);
  });

  it('is heard by every gate of the process', async () => {
    const gates = [slackwater(), slackwater()];
    for (let count = 0; count < 5; count++) await commit('files', async () => {});
    for (const gate of gates) {
      expect(gate.latency.read('files')).toMatchObject({ samples: 5, unfinished: 0 });
      await gate.close();
    }
  });

  it.each([undefined, null, 7, '', 'x'.repeat(201), { name: 'files' }])(
    'refuses %j as a partition, and calls nothing',
    (partition) => {
      let called = false;
      expect(() =>
        commit(partition as never, () => {
          called = true;
        }),
      ).toThrow('commit(): the partition is');
      expect(called).toBe(false);
    },
  );

  it('refuses what is no function', () => {
    expect(() => commit('files', Promise.resolve() as never)).toThrow('give a function that commits');
    expect(heard.started).toEqual([]);
  });
});
