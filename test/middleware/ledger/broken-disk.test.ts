import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  closeSync,
  cpSync,
  existsSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseCheckpoint } from '@slackwater/shared';
import { manualClock } from '@slackwater/test-support/manual-clock';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Ledger } from '../../../packages/middleware/src/ledger/open-ledger.ts';
import { acceptanceOf, accepted, type Bench, ledgerBench } from './ledgers.ts';

interface ReadOnlyWay {
  readonly by: string;
  /** Gives the function that undoes it. */
  make(): () => void;
}

/** Of SQLite itself: a file whose header names a newer format may be read and not written. */
const byHeader: ReadOnlyWay = {
  by: 'its header says so',
  make() {
    const version = readFileSync(database()).subarray(18, 19);
    overwrite(database(), 18, Uint8Array.of(3));
    return () => overwrite(database(), 18, version);
  },
};

const byMount: ReadOnlyWay = {
  by: 'its file system is mounted so',
  make() {
    const { directory } = bench;
    execFileSync('mount', ['--bind', directory, directory]);
    execFileSync('mount', ['-o', 'remount,ro,bind', directory]);
    return () => void execFileSync('umount', [directory]);
  },
};

const byMode: ReadOnlyWay = {
  by: 'its mode says so',
  make() {
    chmodSync(database(), 0o400);
    chmodSync(bench.directory, 0o500);
    return () => {
      chmodSync(bench.directory, 0o700);
      chmodSync(database(), 0o600);
    };
  },
};

/** Only root may mount, and not in every container; and no mode binds root. */
function canMount(): boolean {
  const place = mkdtempSync(join(tmpdir(), 'slackwater-mount-'));
  try {
    execFileSync('mount', ['--bind', place, place], { stdio: 'ignore' });
    execFileSync('umount', [place]);
    return true;
  } catch {
    return false;
  } finally {
    rmSync(place, { recursive: true });
  }
}

const isRoot = process.getuid?.() === 0;
const readOnlyWays = [byHeader, ...(isRoot ? [] : [byMode]), ...(canMount() ? [byMount] : [])];

// The ledger on a disk that fails, for real: docs/durability.md says what must come of each.

const child = fileURLToPath(new URL('crash-child.ts', import.meta.url));
const pageBytes = 4_096;
/** Of the write-ahead log: a page and what is said about it. */
const frameBytes = pageBytes + 24;

let bench: Bench;
beforeEach(async () => {
  bench = await ledgerBench();
});
afterEach(() => bench.end());

const database = (): string => join(bench.directory, 'slackwater.db');
const log = ({ directory }: Bench): string => join(directory, 'slackwater.db-wal');

interface Running {
  readonly process: ChildProcess;
  readonly said: string[];
  ended(): Promise<{
    readonly code: number | null;
    readonly signal: string | null;
    readonly complaint: string;
  }>;
}

/** A process that accepts, and says whose acceptance was acknowledged. Its files may have so many times 512 bytes. */
function start(most: number | 'unlimited', ...mode: readonly string[]): Running {
  const command = `ulimit -f ${most}; exec "$0" --no-warnings "$@"`;
  const args = ['-c', command, process.execPath, child, bench.directory, '8', '1000000', ...mode];
  const running = spawn('sh', args, { stdio: ['ignore', 'pipe', 'pipe'] });
  const said: string[] = [];
  let text = '';
  let complaint = '';
  running.stdout.on('data', (chunk) => {
    text += chunk;
    // The last line may be cut off by the death, and then it was not said.
    said.splice(0, said.length, ...text.split('\n').slice(0, -1));
  });
  running.stderr.on('data', (chunk) => {
    complaint += chunk;
  });
  const closed = once(running, 'close');
  return {
    process: running,
    said,
    async ended() {
      const [code, signal] = await closed;
      return { code, signal, complaint };
    },
  };
}

/** Everything that was acknowledged is there and verified; gives how many entries there are. */
async function checkKept(acknowledged: readonly string[], of = bench): Promise<number> {
  const { ledger, engine, close } = await of.open();
  await ledger.recover();
  const size = await engine.log.size();
  expect(of.verifyBytes(ledger.verifierKey, await ledger.checkpoint())).toMatchObject({ ok: true, size });
  for (const id of acknowledged) expect(await ledger.find(id)).toMatchObject({ id });
  await close();
  return size;
}

async function fill(count: number): Promise<string[]> {
  const { ledger, close } = await bench.open();
  const ids = await acceptSome(ledger, count);
  await close();
  return ids;
}

async function acceptSome(ledger: Ledger, count: number): Promise<string[]> {
  const ids: string[] = [];
  for (let i = 0; i < count; i++) ids.push((await accepted(ledger)).id);
  return ids;
}

describe('a disk that is full', () => {
  it('refuses what has no room, keeps what was acknowledged, and goes on where there is room', async () => {
    const maxBytes = 1024 * 1024;
    const small = await bench.open({ maxBytes });
    const ids: string[] = [];
    let refused: unknown;
    const large = { request: { ...acceptanceOf().request, body: Buffer.alloc(40_000, 1) } };
    while (refused === undefined) {
      await accepted(small.ledger, large).then(
        ({ id }) => ids.push(id),
        (error: unknown) => {
          refused = error;
        },
      );
    }
    expect(refused).toMatchObject({ code: 'engine-full', fate: 'none' });
    expect((await small.ledger.list({ limit: 1_000 })).deferrals.map(({ id }) => id).toSorted()).toEqual(
      ids.toSorted(),
    );
    for (const id of ids) await small.ledger.request(id);
    await small.abandon();
    const roomy = await bench.open();
    ids.push((await accepted(roomy.ledger, large)).id);
    await roomy.close();
    expect(await checkKept(ids)).toBe(ids.length);
  });
});

describe('writing beyond a limit of the file size', () => {
  // The write-ahead log is what reaches it; the page that does is written in part.
  const limit = 1_000;

  it('is told to each caller; nothing that was acknowledged is lost, and what was torn is not there', async () => {
    const running = start(limit, 'tolerant');
    const { code, complaint } = await running.ended();
    expect(complaint).toBe('');
    expect(code).toBe(0);
    const failures = running.said.filter((line) => line.startsWith('failed '));
    expect(new Set(failures.map((line) => line.split(' ')[1]))).toEqual(new Set(['engine-unavailable']));
    const ids = running.said.filter((line) => !line.startsWith('failed '));
    expect(ids.length).toBeGreaterThan(0);
    await checkKept(ids);
  });
});

describe('a torn write-ahead log', () => {
  const entries = 60;
  let killed: Bench;
  let ids: readonly string[];

  /** What is on the disk at an instant is what a process leaves that is killed then; its shared memory goes with it. */
  beforeEach(async () => {
    const clock = manualClock();
    const { ledger } = await bench.open({ clock });
    ids = await acceptSome(ledger, entries);
    clock.advance(1_000);
    await expect.poll(notedSize, { timeout: 30_000, interval: 5 }).toBe(entries);
    killed = await ledgerBench();
    const filter = (source: string): boolean => !source.endsWith('-shm');
    cpSync(bench.directory, killed.directory, { recursive: true, filter });
  });
  afterEach(() => killed.end());

  function notedSize(): number {
    const name = readdirSync(bench.directory).find((each) => /^head-.*\.txt$/.test(each));
    return name === undefined ? 0 : parseCheckpoint(readFileSync(join(bench.directory, name), 'utf8')).size;
  }

  it('behind its last commit is what an append leaves that was cut off: it is not there', async () => {
    const descriptor = openSync(log(killed), 'a');
    writeSync(descriptor, Buffer.alloc(frameBytes + 100, 0xa5));
    closeSync(descriptor);
    expect(await checkKept(ids, killed)).toBe(entries);
  });

  it.each([
    ['cut off', (at: number) => truncateSync(log(killed), at)],
    ['garbled', (at: number) => overwrite(log(killed), at, Buffer.alloc(pageBytes, 0xa5))],
  ])(
    'in which acknowledged entries were %s is refused, because a head beyond them was noted',
    async (_, tear) => {
      // Of the last frames there is none: those that are left are a whole ledger, and an older one.
      const frames = Math.floor((statSync(log(killed)).size - 32) / frameBytes);
      tear(32 + (frames - 100) * frameBytes + 1_000);
      await expect(killed.open()).rejects.toMatchObject({ code: 'ledger-truncated' });
    },
  );
});

describe('a torn page of the database', () => {
  it('that has an entry is found: by opening, or by verifying', async () => {
    const ids = await fill(20);
    const bytes = readFileSync(database());
    // As only an entry says it.
    const at = bytes.lastIndexOf(`"group":"default","id":"${ids.at(-1)}"`);
    expect(at).toBeGreaterThan(0);
    overwrite(database(), at - (at % pageBytes), Buffer.alloc(pageBytes, 0xa5));
    const found = await bench
      .open()
      .then(({ ledger }) => ledger.verify())
      .catch((error: unknown) => error);
    expect(found).not.toMatchObject({ ok: true });
  });

  it('that is missing at the end is found', async () => {
    await fill(20);
    truncateSync(database(), statSync(database()).size - pageBytes);
    const found = await bench
      .open()
      .then(({ ledger }) => ledger.verify())
      .catch((error: unknown) => error);
    expect(found).toMatchObject({ code: 'engine-corrupt' });
  });
});

describe('a file that is swapped under a running process', () => {
  it('is noticed at the next write: nothing is accepted until the own one is back, and nothing was lost', async () => {
    const ids = await fill(3);
    cpSync(database(), join(bench.directory, 'older.db'));
    const { ledger, close } = await bench.open();
    ids.push((await accepted(ledger)).id);
    renameSync(database(), join(bench.directory, 'own.db'));
    renameSync(join(bench.directory, 'older.db'), database());
    for (let i = 0; i < 2; i++) {
      await expect(accepted(ledger)).rejects.toMatchObject({
        code: 'engine-unavailable',
        fate: 'none',
        message: expect.stringMatching(/replaced while it was in use/),
      });
    }
    renameSync(join(bench.directory, 'own.db'), database());
    ids.push((await accepted(ledger)).id);
    await close();
    expect(await checkKept(ids)).toBe(ids.length);
  });

  it('is noticed where it is deleted', async () => {
    const { ledger } = await bench.open();
    await accepted(ledger);
    rmSync(database());
    await expect(accepted(ledger)).rejects.toMatchObject({
      code: 'engine-unavailable',
      fate: 'none',
      message: expect.stringMatching(/removed while it was in use/),
    });
    expect(existsSync(database())).toBe(false);
  });
});

describe('a ledger that may only be read', () => {
  it.each(readOnlyWays)(
    '$by: is refused with the way out, and is as it was when it may be written again',
    async ({ make }) => {
      const ids = await fill(3);
      const release = make();
      try {
        await expect(bench.open()).rejects.toMatchObject({
          code: expect.stringMatching(/^(engine-unavailable|key-file-unreadable)$/),
          message: expect.stringMatching(/own/),
        });
      } finally {
        release();
      }
      expect(await checkKept(ids)).toBe(3);
    },
  );
});

function overwrite(file: string, at: number, bytes: Uint8Array): void {
  const descriptor = openSync(file, 'r+');
  writeSync(descriptor, bytes, 0, bytes.length, at);
  closeSync(descriptor);
}
