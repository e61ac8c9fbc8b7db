import { existsSync } from 'node:fs';
import { mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { Worker } from 'node:worker_threads';
import { manualClock } from '@slackwater/test-support/manual-clock';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  type AuditIndex,
  type AuditIndexSetup,
  openAuditIndex,
} from '../../../../packages/middleware/src/audit/index/audit-index.ts';
import { indexPath } from '../../../../packages/middleware/src/audit/index/index-path.ts';
import { systemClock } from '../../../../packages/middleware/src/clock.ts';
import { entryOf, idOf, logInMemory } from './entries.ts';

let directory: string;
const opened: AuditIndex[] = [];

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'slackwater-index-'));
});

afterEach(async () => {
  for (const index of opened.splice(0)) await index.close();
  await rm(directory, { recursive: true, force: true });
});

const path = (): string => indexPath(directory, 'payments', 'main');

function open(setup: Pick<AuditIndexSetup, 'log'> & Partial<AuditIndexSetup>): AuditIndex {
  const index = openAuditIndex({
    clock: systemClock,
    path: path(),
    ledger: 'ledger one',
    waitMs: 30_000,
    lookEveryMs: 3_600_000,
    ...setup,
  });
  opened.push(index);
  return index;
}

/** A log with so many deferrals in it. */
function filled(count: number, partition = 'payments'): ReturnType<typeof logInMemory> {
  const log = logInMemory();
  for (let n = 0; n < count; n++) log.add(entryOf(idOf(n), 'accepted', { partition }));
  return log;
}

const idsIn = async (index: AuditIndex): Promise<string[]> =>
  (await index.list({ limit: 1_000 })).deferrals.map(({ id }) => id);

describe('the index of a ledger', () => {
  it('answers with everything that was in the log when it was asked, whoever put it there', async () => {
    const log = filled(0);
    const index = open({ log });
    for (let n = 0; n < 30; n++) {
      log.add(entryOf(idOf(n), 'accepted'));
      const { deferrals, entries } = await index.list({ limit: 1 });
      expect([deferrals[0]?.id, entries]).toEqual([idOf(n), n + 1]);
    }
    expect(index.status()).toEqual({
      entries: 30,
      behind: 0,
      deferrals: 30,
      corrupt: 0,
      parked: 0,
      unreadable: 0,
    });
  });

  it('goes on at the next start where it was, and reads nothing twice', async () => {
    const log = filled(1_200);
    const first = open({ log });
    expect(await idsIn(first)).toHaveLength(1_000);
    await first.close();
    log.add(entryOf(idOf(1_200), 'accepted'));
    const read: number[] = [];
    const watched = {
      ...log,
      read: (from: number, limit: number) => {
        read.push(from);
        return log.read(from, limit);
      },
    };
    expect((await idsIn(open({ log: watched })))[0]).toBe(idOf(1_200));
    // The newest entry that it had is compared with the log's.
    expect(read).toEqual([1_199, 1_200]);
  });

  it('may be deleted at any time, also under a running process, and is the same again', async () => {
    const log = filled(700);
    const index = open({ log });
    const before = await index.list({ limit: 1_000 });
    for (const name of await readdir(directory)) await rm(join(directory, name));
    expect(await index.list({ limit: 1_000 })).toEqual(before);
    expect(existsSync(path())).toBe(true);
    const made = await stat(path());
    expect(made.mode & 0o077).toBe(0);
  });

  it('is thrown away where it is damaged, of another ledger, or of a log that was put back to an earlier time', async () => {
    const log = filled(10);
    expect(await idsIn(open({ log }))).toHaveLength(10);
    await opened.pop()?.close();
    await writeFile(
      path(),
      'no database at all, and long enough to be taken for one, were it not for what it says',
    );
    expect(await idsIn(open({ log }))).toHaveLength(10);
    await opened.pop()?.close();
    const other = filled(3, 'orders');
    expect((await open({ log: other, ledger: 'ledger two' }).list({ limit: 10 })).deferrals).toMatchObject([
      { partition: 'orders' },
      { partition: 'orders' },
      { partition: 'orders' },
    ]);
    await opened.pop()?.close();
    // As long as what the index has read, and not the same.
    const rewritten = filled(3, 'mail');
    expect(
      await open({ log: rewritten, ledger: 'ledger two' }).counts({ by: 'partition', limit: 10 }),
    ).toMatchObject({
      counts: [{ value: 'mail', values: { partition: 'mail' }, count: 3 }],
    });
    rewritten.entries.length = 2;
    expect(await idsIn(opened.at(-1) as AuditIndex)).toEqual([idOf(1), idOf(0)]);
  });

  it("leaves somebody else's database alone, and says whose it is", async () => {
    const foreign = new DatabaseSync(path());
    foreign.exec('CREATE TABLE precious (thing TEXT)');
    foreign.close();
    const index = open({ log: filled(1) });
    await expect(index.list({ limit: 1 })).rejects.toMatchObject({
      code: 'index-behind',
      message: expect.stringContaining("is a database of somebody else's"),
    });
    const again = new DatabaseSync(path());
    expect(again.prepare('SELECT name FROM sqlite_schema').all()).toEqual([{ name: 'precious' }]);
    again.close();
  });

  it('is one file for several processes, each of which finds what the other has read, also when all begin at once', async () => {
    const log = filled(800);
    const all = Array.from({ length: 4 }, () => open({ log }));
    const [found, ...alsoFound] = await Promise.all(all.map(idsIn));
    for (const ids of alsoFound) expect(ids).toEqual(found);
    const [one, other] = all as [AuditIndex, AuditIndex];
    log.add(entryOf(idOf(800), 'accepted'));
    expect((await idsIn(one))[0]).toBe(idOf(800));
    expect((await idsIn(other))[0]).toBe(idOf(800));
    expect(other.status()).toMatchObject({ entries: 801, deferrals: 801 });
  });

  it('says how far it has come instead of an answer that rests on less than the log', async () => {
    const log = filled(5);
    let letGo = (): void => {};
    const held = new Promise<void>((resolve) => {
      letGo = resolve;
    });
    const slow = { ...log, read: (from: number, limit: number) => held.then(() => log.read(from, limit)) };
    const index = open({ log: slow, waitMs: 20 });
    await expect(index.list({ limit: 1 })).rejects.toMatchObject({
      code: 'index-behind',
      message: 'The index has read 0 of 5 entries, and did not come to the end within 20 ms; ask again.',
    });
    expect(index.status()).toMatchObject({ entries: 0, behind: 5 });
    letGo();
    await index.catchUp();
    expect(index.status()).toMatchObject({ entries: 5, behind: 0 });
  });

  it('tells of a log that can not be read, once for each spell of it, and goes on by itself', async () => {
    const log = filled(5);
    const troubles: unknown[] = [];
    let isDown = true;
    const failing = {
      ...log,
      size: async () => {
        if (isDown) throw new Error('no server');
        return log.size();
      },
    };
    const index = open({ log: failing, lookEveryMs: 1, onTrouble: (error) => troubles.push(error) });
    await expect(index.list({ limit: 1 })).rejects.toThrow('no server');
    await new Promise((resolve) => setTimeout(resolve, 30));
    isDown = false;
    expect(await idsIn(index)).toHaveLength(5);
    expect(troubles).toHaveLength(1);
  });

  it('refuses a cursor of another query, and one from a time that has not come', async () => {
    const index = open({ log: filled(5), path: '' });
    const first = await index.list({ limit: 2, phase: 'queued' });
    expect(first.next).toMatch(/^5-3-/);
    const early = String(first.next).replace(/^5-/, '6-');
    await expect(index.list({ limit: 2, phase: 'queued', cursor: early })).rejects.toMatchObject({
      code: 'parameter-invalid',
    });
    await expect(index.list({ limit: 2, phase: 'parked', cursor: String(first.next) })).rejects.toMatchObject(
      {
        message: 'cursor: give the "next" of the page before, as it came, with the same filters.',
      },
    );
  });

  it('can be made again from the beginning, beside those who go on asking it, and tells how far that is', async () => {
    const log = filled(2_000);
    const index = open({ log });
    await index.catchUp();
    const told: number[] = [];
    const again = open({ log, startOver: true, onProgress: (entries) => told.push(entries) });
    const [state, found] = await Promise.all([again.catchUp(), idsIn(index)]);
    expect(state).toMatchObject({ entries: 2_000, deferrals: 2_000 });
    expect(state.bytes).toBeGreaterThan(100_000);
    expect(found).toHaveLength(1_000);
    expect(told.at(-1)).toBe(2_000);
  });

  it('has no thread before there is anything to read, and none when nobody needs it for a minute', async () => {
    const threads = { started: 0, ended: 0 };
    const count = (worker: Worker): void => {
      threads.started += 1;
      worker.once('exit', () => {
        threads.ended += 1;
      });
    };
    process.on('worker', count);
    try {
      const log = filled(0);
      const clock = manualClock();
      const index = open({ log, clock, lookEveryMs: 1_000 });
      const pass = async (ms: number): Promise<void> => {
        clock.advance(ms);
        await new Promise((resolve) => setImmediate(resolve));
      };
      for (let looks = 0; looks < 3; looks++) await pass(1_000);
      expect([threads.started, index.status().entries]).toEqual([0, 0]);
      log.add(entryOf(idOf(0), 'accepted'));
      await expect.poll(() => pass(1_000).then(() => index.status().entries), { interval: 5 }).toBe(1);
      expect(threads).toEqual({ started: 1, ended: 0 });
      await expect.poll(() => pass(61_000).then(() => threads.ended), { interval: 5 }).toBe(1);
      // What it knows it still tells, and it finds what came meanwhile.
      expect(index.status()).toMatchObject({ entries: 1, deferrals: 1 });
      log.add(entryOf(idOf(1), 'accepted'));
      expect(await idsIn(index)).toEqual([idOf(1), idOf(0)]);
      expect(threads.started).toBe(2);
    } finally {
      process.off('worker', count);
    }
  });
});
