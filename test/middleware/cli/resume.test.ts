import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { copyLedger } from '../../../packages/middleware/src/cli/copy/copy-ledger.ts';
import { systemClock } from '../../../packages/middleware/src/clock.ts';
import type { OpenEngine } from '../../../packages/middleware/src/engines/engine.ts';
import { EngineError } from '../../../packages/middleware/src/engines/engine-error.ts';
import { sqliteEngine } from '../../../packages/middleware/src/engines/sqlite/sqlite-engine.ts';
import { seededRandom } from '../../crash/random.ts';
import { accepted, type Bench, ledgerBench } from '../ledger/ledgers.ts';
import { type CopyResult, killedAtRandom } from './command-line.ts';
import { rowsOf } from './rows.ts';

const kills = 6;
const lifeMs = { least: 100, most: 900 } as const;
const entries = 6_000;
const owner = { application: 'payments', group: 'default', clock: systemClock };
const progress = { report: () => {}, say: () => {}, end: () => {} };

let source: Bench;
let target: Bench;
beforeEach(async () => {
  source = await ledgerBench();
  target = await ledgerBench();
});
afterEach(async () => {
  await source.end();
  await target.end();
});

async function fill(count: number): Promise<string> {
  const { ledger, close } = await source.open();
  await Promise.all(Array.from({ length: count }, () => accepted(ledger)));
  await close();
  return ledger.verifierKey;
}

/** What is there must be a beginning of the source, and no gate may open it. */
async function lookAtPart(): Promise<void> {
  if (!existsSync(join(target.directory, 'slackwater.db'))) return;
  const tables = target.database((database) =>
    database.prepare("SELECT 1 FROM sqlite_master WHERE name = 'store_1'").all(),
  );
  if (tables.length === 0) return;
  const { log, blocks } = rowsOf(target);
  expect(log).toEqual(rowsOf(source).log.slice(0, log.length));
  expect(blocks).toEqual(rowsOf(source).blocks.slice(0, blocks.length));
  const marks = target.database((database) =>
    database.prepare("SELECT value FROM store_1 WHERE key = 'ledger/identity'").all(),
  );
  if (marks.length === 0) expect([log, blocks]).toEqual([[], []]);
  else await expect(target.open()).rejects.toMatchObject({ code: 'ledger-copy-unfinished' });
}

describe('a copy that is killed again and again', () => {
  it('goes on where it was, is opened by no gate meanwhile, and ends verified', {
    timeout: 120_000,
  }, async () => {
    const random = seededRandom();
    const verifierKey = await fill(entries);
    const places = ['--from', `sqlite:${source.directory}`, '--to', `sqlite:${target.directory}`];
    const { out } = await killedAtRandom(['copy', ...places], { kills, lifeMs, random, look: lookAtPart });
    expect(JSON.parse(out) as CopyResult).toMatchObject({ entries, verified: true });
    expect(rowsOf(target)).toEqual(rowsOf(source));
    expect(target.verifyBytes(verifierKey)).toMatchObject({ ok: true, size: entries });
    const { engine } = await target.open();
    expect(await engine.queue.backlog()).toMatchObject([{ items: entries }]);
  });
});

describe('a copy whose target fails', () => {
  /** The engine, and its write of that number fails: before it is done, or after it. */
  function failingAt(
    engine: OpenEngine,
    number: number,
    done: boolean,
  ): { failed(): boolean; engine: OpenEngine } {
    let count = 0;
    const write = async <T>(work: () => Promise<T>): Promise<T> => {
      count += 1;
      if (count < number) return work();
      if (count === number && done) await work();
      throw new EngineError('engine-unavailable', done ? 'unknown' : 'none', 'gone');
    };
    const { log, store, queue } = engine;
    return {
      failed: () => count >= number,
      engine: {
        ...engine,
        log: { ...log, append: (batch) => write(() => log.append(batch)) },
        store: {
          ...store,
          create: (...given) => write(() => store.create(...given)),
          put: (...given) => write(() => store.put(...given)),
          update: (...given) => write(() => store.update(...given)),
        },
        queue: { ...queue, enqueue: (item) => write(() => queue.enqueue(item)) },
      },
    };
  }

  it.each([false, true])(
    'at any write, done or not (%s), ends verified when it is run again',
    {
      timeout: 120_000,
    },
    async (done) => {
      const { ledger, close } = await source.open();
      for (let i = 0; i < 3; i++) await accepted(ledger, { idempotencyKey: `${i}` });
      await close();
      const from = await sqliteEngine({ directory: source.directory }).open(owner);
      const keys = await from.keyFile(() => new Uint8Array());
      for (let number = 1, failed = true; failed; number += 1) {
        const fresh = await ledgerBench();
        const to = await sqliteEngine({ directory: fresh.directory }).open(owner);
        try {
          const placeKeys = async (): Promise<void> => void (await to.keyFile(() => keys));
          const copying = { source: from, keys, placeKeys, progress, ...owner };
          const failing = failingAt(to, number, done);
          const first = await copyLedger({ ...copying, target: failing.engine }).catch(
            (error: unknown) => error,
          );
          failed = failing.failed();
          if (failed) expect(first).toBeInstanceOf(EngineError);
          expect(await copyLedger({ ...copying, target: to })).toMatchObject({ entries: 3 });
          expect(rowsOf(fresh)).toEqual(rowsOf(source));
          expect(await to.queue.backlog()).toMatchObject([{ items: 3 }]);
          // It has been through all of them.
          if (!failed) expect(number).toBeGreaterThan(15);
        } finally {
          await to.close();
          await fresh.end();
        }
      }
      await from.close();
    },
  );
});
