import { execFileSync } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { parseCheckpoint } from '@slackwater/shared';
import { manualClock } from '@slackwater/test-support/manual-clock';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { accepted, type Bench, ledgerBench, type Overrides } from './ledgers.ts';

let bench: Bench;
beforeEach(async () => {
  bench = await ledgerBench();
});
afterEach(() => bench.end());

const inBench = (name: string): string => join(bench.directory, name);
const database = (): string => inBench('slackwater.db');

function notePath(directory = bench.directory): string {
  const [name = ''] = readdirSync(directory).filter((each) => /^head-.*\.txt$/.test(each));
  return join(directory, name);
}

/** A backup, as docs/engines.md says that it is to be made. */
const backUp = (to: string): void => bench.database((db) => void db.prepare('VACUUM INTO ?').run(to));

function putBack(copy: string): void {
  for (const name of ['slackwater.db', 'slackwater.db-wal', 'slackwater.db-shm']) {
    rmSync(inBench(name), { force: true });
  }
  cpSync(copy, database());
}

/** Accepts so many, in a ledger that is closed behind it. Gives its newest checkpoint. */
async function live(count: number, overrides: Overrides = {}): Promise<string> {
  const { ledger, close } = await bench.open(overrides);
  for (let i = 0; i < count; i++) await accepted(ledger);
  const checkpoint = await ledger.checkpoint();
  await close();
  return checkpoint;
}

const truncated = {
  code: 'ledger-truncated',
  message: expect.stringMatching(/has 2 sealed entries, and a head of 5 was signed before .*new origin/),
};

describe('an older copy of the database that is put back', () => {
  it('is refused, and the newest one is gone on from', async () => {
    await live(2);
    backUp(inBench('older.db'));
    await live(3);
    backUp(inBench('newest.db'));
    putBack(inBench('older.db'));
    await expect(bench.open()).rejects.toMatchObject(truncated);
    await expect(bench.open()).rejects.toMatchObject(truncated);
    putBack(inBench('newest.db'));
    expect(parseCheckpoint(await live(1)).size).toBe(6);
  });

  it('is refused where it was gone on from without its note, however long it became', async () => {
    await live(2);
    backUp(inBench('older.db'));
    await live(3);
    renameSync(notePath(), inBench('kept.txt'));
    putBack(inBench('older.db'));
    expect(parseCheckpoint(await live(6)).size).toBe(8);
    renameSync(inBench('kept.txt'), notePath());
    await expect(bench.open()).rejects.toMatchObject({ code: 'ledger-corrupt' });
  });

  it('together with the note of its time is not noticed here: only who kept a newer checkpoint sees it', async () => {
    await live(2);
    backUp(inBench('older.db'));
    const olderNote = readFileSync(notePath());
    const newest = await live(3);
    putBack(inBench('older.db'));
    writeFileSync(notePath(), olderNote);
    const { ledger } = await bench.open();
    expect(await ledger.verify()).toMatchObject({ ok: true, size: 2 });
    expect(await ledger.verify(newest)).toMatchObject({ ok: false, fault: 'truncated' });
  });

  it('is refused together with its whole directory where heads are noted elsewhere', async () => {
    const elsewhere = await ledgerBench();
    try {
      const headsDirectory = join(elsewhere.directory, 'heads');
      await live(2, { headsDirectory });
      expect(readdirSync(bench.directory).some((name) => name.startsWith('head-'))).toBe(false);
      cpSync(bench.directory, join(elsewhere.directory, 'copy'), { recursive: true });
      await live(3, { headsDirectory });
      cpSync(join(elsewhere.directory, 'copy'), bench.directory, { recursive: true, force: true });
      await expect(bench.open({ headsDirectory })).rejects.toMatchObject(truncated);
      expect(existsSync(notePath(headsDirectory))).toBe(true);
    } finally {
      await elsewhere.end();
    }
  });
});

describe('the note of the newest signed head', () => {
  it('is for its owner alone, and made within a second', async () => {
    const clock = manualClock();
    const { ledger } = await bench.open({ clock });
    await accepted(ledger);
    expect(readdirSync(bench.directory).some((name) => name.startsWith('head-'))).toBe(false);
    clock.advance(1_000);
    await expect.poll(() => existsSync(notePath()) && statSync(notePath()).isFile(), wait).toBe(true);
    expect(readFileSync(notePath(), 'utf8')).toBe(await ledger.checkpoint());
    expect(statSync(notePath()).mode & 0o777).toBe(0o600);
  });

  it('may be older than the ledger, as after a crash', async () => {
    await live(2);
    const { ledger, abandon } = await bench.open({ clock: manualClock() });
    await accepted(ledger);
    await abandon();
    expect(parseCheckpoint(await live(1)).size).toBe(4);
  });

  it('is not taken back by a process that has seen less', async () => {
    const clock = manualClock();
    const behind = await bench.open({ clock });
    await accepted(behind.ledger);
    await live(3);
    clock.advance(1_000);
    await behind.close();
    expect(parseCheckpoint(readFileSync(notePath(), 'utf8')).size).toBe(4);
  });

  it('is not written for a ledger whose engine was closed', async () => {
    const clock = manualClock();
    const told: unknown[] = [];
    const { ledger, abandon } = await bench.open({ clock, onRecoveryFailed: (error) => told.push(error) });
    await accepted(ledger);
    await abandon();
    clock.advance(1_000);
    await expect.poll(() => told, wait).toMatchObject([{ code: 'engine-closed' }]);
    expect(readdirSync(bench.directory).some((name) => name.startsWith('head-'))).toBe(false);
  });

  it('is not passed over where it can not be read', async () => {
    await live(2);
    for (const text of ['', 'something', readFileSync(notePath(), 'utf8').replace('\n2\n', '\n-2\n')]) {
      writeFileSync(notePath(), text);
      await expect(bench.open()).rejects.toMatchObject({
        code: 'ledger-corrupt',
        message: expect.stringMatching(/head-.*can't be read .*then remove the note/),
      });
    }
    const place = notePath();
    for (const put of [() => mkdirSync(place), () => execFileSync('mkfifo', [place])]) {
      rmSync(place, { recursive: true });
      put();
      await expect(bench.open()).rejects.toMatchObject({ code: 'ledger-corrupt' });
    }
  });

  it('of another origin is of another ledger: a new one may begin where it lies', async () => {
    const headsDirectory = inBench('heads');
    await live(3, { headsDirectory });
    for (const name of readdirSync(bench.directory)) {
      if (name !== 'heads') renameSync(inBench(name), inBench(`heads/aside-${name}`));
    }
    expect(parseCheckpoint(await live(1, { headsDirectory, origin: 'second' })).origin).toBe('second');
    expect(parseCheckpoint(readFileSync(notePath(headsDirectory), 'utf8'))).toMatchObject({
      origin: 'second',
      size: 1,
    });
  });

  it('tells of trouble where it can not be written, and does not end the group', async () => {
    const clock = manualClock();
    const told: unknown[] = [];
    const { ledger, engine } = await bench.open({
      clock,
      headsDirectory: inBench('heads'),
      onRecoveryFailed: (error) => told.push(error),
    });
    await accepted(ledger);
    writeFileSync(inBench('heads'), 'a file where the directory should be');
    clock.advance(1_000);
    await expect.poll(() => told.length, wait).toBeGreaterThan(0);
    await accepted(ledger);
    expect(await engine.log.size()).toBe(2);
  });
});

const wait = { timeout: 30_000, interval: 5 };
