import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fromBase64, parseEntry, verifyLedger, verifyReceipt } from '@slackwater/shared';
import { freePort } from '@slackwater/test-support/free-port';
import { type PostgresServer, startPostgres } from '@slackwater/test-support/postgres';
import { slowCommits } from '@slackwater/test-support/slow-commits';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ed25519Verify } from '../../packages/middleware/src/ledger/signer.ts';
import { type Answers, startCallers } from './callers.ts';
import { seededRandom } from './random.ts';
import type { ServerProcess } from './server-process.ts';
import { type ShopPlace, startShop } from './shop-process.ts';
import { statusesOf } from './statuses.ts';
import { readStoredLedger, type StoredLedger } from './stored-ledger.ts';
import { changeWeather } from './weather.ts';
import { descents, drained, outOfLedgerOrder, type Row, timesOf, writtenRows } from './written-rows.ts';

const kills = 20;
/** A machine that is busy may get little done in so many lives: it gets more of them, up to this. */
const mostKills = 66;
/** What the shop is to have been killed at, for what is looked at afterwards to show anything. */
const enough = { accepted: 60, answersLost: 30, performing: 4 } as const;
/** From when it listens to when it is killed. */
const lifeMs = { least: 80, most: 1_300 } as const;
/** Every fourth is killed while it starts. */
const startMs = { least: 50, most: 700 } as const;
const performingWithinMs = 2_000;
/** For what is being performed to have an entry that says so, on a busy machine too. */
const begunMs = 250;
const answeredWithinMs = 60_000;
const drainWithinMs = 60_000;

describe('a shop that is killed again and again', () => {
  const random = seededRandom();
  const seeded = `SLACKWATER_CRASH_SEED=${random.seed}`;
  const folder = mkdtempSync(join(tmpdir(), 'slackwater-crash-'));
  let postgres: PostgresServer;
  let observer: pg.Pool;
  let place: ShopPlace;
  let shop: ServerProcess | undefined;
  let performingWhenKilled = 0;

  let answers: Answers;
  let rows: readonly Row[];
  let stored: StoredLedger;
  let verifierKey: string;
  let oldCheckpoint: string;
  let statuses: ReadonlyMap<string, unknown>;

  beforeAll(async () => {
    postgres = await startPostgres({ database: 'shop' });
    observer = new pg.Pool({ connectionString: postgres.connectionString, max: 2 });
    place = {
      connectionString: postgres.connectionString,
      ledgerDirectory: join(folder, 'ledger'),
      port: await freePort(),
      leaseMs: 1_500,
    };
    shop = startShop(place);
    const address = await shop.listening;
    if (address === undefined) throw new Error(`The shop did not open: ${shop.complaints()}`);
    ({ verifierKey } = address);
    const commits = await slowCommits(observer, ['payments', 'orders', 'reports']);

    const callers = startCallers({ address: () => address.address });
    ({ answers } = callers);
    const weather = changeWeather(commits, random);
    for (let killed = 0; killed < kills || (killed < mostKills && !hasSeenEnough()); killed += 1) {
      await liveAndDie(killed);
      if (killed === kills >> 1) oldCheckpoint = await checkpointOf(address.address);
    }
    await weather.clearUp();
    await Promise.race([callers.finish(), tooLate()]);
    await drained(observer, answers, drainWithinMs);
    statuses = await statusesOf(answers.accepted.values(), ({ address }) => address);
    await shop.kill();
    rows = await writtenRows(observer);
    stored = readStoredLedger(place.ledgerDirectory, join(folder, 'copy'), 'shop');
  }, 400_000);

  afterAll(async () => {
    await shop?.kill();
    await observer?.end();
    await postgres?.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  function hasSeenEnough(): boolean {
    return (
      answers.accepted.size >= enough.accepted &&
      answers.answersLost >= enough.answersLost &&
      performingWhenKilled >= enough.performing
    );
  }

  async function tooLate(): Promise<never> {
    await sleep(answeredWithinMs, undefined, { ref: false });
    throw new Error(
      `${seeded}: requests were not answered: ${answers.strange.join(', ')} ${shop?.complaints()}`,
    );
  }

  /** Lets the shop live for a while, kills it, and starts it again. */
  async function liveAndDie(killed: number): Promise<void> {
    if (shop === undefined) throw new Error('There is no shop.');
    if (killed % 4 === 3) await sleep(random.between(startMs.least, startMs.most));
    else {
      const listening = await shop.listening;
      if (listening === undefined) {
        throw new Error(`${seeded}: after ${killed} kills it did not open again: ${shop.complaints()}`);
      }
      expect(listening.verifierKey, seeded).toBe(verifierKey);
      await sleep(random.between(lifeMs.least, lifeMs.most));
      if (killed % 4 === 1 || killed % 4 === 2) return whilePerforming(listening.address);
    }
    await killAndStart();
  }

  async function killAndStart(): Promise<void> {
    expect(shop?.ended(), `${seeded}: it ended by itself: ${shop?.complaints()}`).toBe(false);
    await shop?.kill();
    shop = startShop(place);
  }

  /**
   * Kills it while a deferral is being performed: nobody can insert an order until it is dead, so that what was begun is
   * not finished. Chance alone may miss them all.
   */
  async function whilePerforming(address: string): Promise<void> {
    const holder = await observer.connect();
    try {
      await holder.query('BEGIN');
      await holder.query('LOCK TABLE orders IN SHARE MODE');
      for (const deadline = Date.now() + performingWithinMs; Date.now() < deadline; ) {
        const health = await fetch(`${address}/slackwater/health`);
        const { performing } = (await health.json()) as { readonly performing: number };
        if (performing > 0) {
          performingWhenKilled += 1;
          break;
        }
        await sleep(2);
      }
      await sleep(begunMs);
      await killAndStart();
    } finally {
      await holder.query('ROLLBACK');
      holder.release();
    }
  }

  async function checkpointOf(address: string): Promise<string> {
    await shop?.listening;
    const response = await fetch(`${address}/slackwater/ledger/main/checkpoint`);
    if (!response.ok) throw new Error(`The checkpoint was refused: ${response.status}`);
    return response.text();
  }

  it('was hit while it accepted and while it performed', () => {
    const replayed = rows.filter((row) => row.replayed).length;
    expect(interrupted(stored), seeded).toBeGreaterThan(0);
    expect(answers.accepted.size, seeded).toBeGreaterThan(50);
    expect(replayed, seeded).toBeGreaterThan(50);
    expect(answers.answersLost, seeded).toBeGreaterThan(kills);
    expect(answers.strange, seeded).toEqual([]);
  });

  it('has every deferral that a 202 was received for in the database, once', () => {
    const times = timesOf(rows);
    const wrong = [...answers.accepted.keys()].filter((reference) => times.get(reference) !== 1);
    expect(wrong, seeded).toEqual([]);
  });

  it('has everything in the database that was answered with success', () => {
    const times = timesOf(rows);
    expect(
      [...answers.done].filter((reference) => !times.has(reference)),
      seeded,
    ).toEqual([]);
  });

  it('did nothing twice, although requests whose answer was lost were repeated', () => {
    const twice = [...timesOf(rows)].filter(([, count]) => count > 1);
    expect(twice, seeded).toEqual([]);
  });

  it('tells of each deferral that it succeeded', () => {
    expect(
      [...statuses].filter(([, status]) => status !== 'Succeeded'),
      seeded,
    ).toEqual([]);
  });

  it('performed the deferrals of one order key in the order of the ledger', () => {
    const overtaken = outOfLedgerOrder(rows, answers);
    expect(overtaken, seeded).toEqual([]);
  });

  it('let no later order of a customer overtake an earlier one, deferred or not', () => {
    const overtaken = descents(rows, ({ reference, customer }) => {
      const count = /^order-regular-\d+-(\d+)$/.exec(reference)?.[1];
      return count === undefined ? undefined : { of: customer, place: Number(count) };
    });
    expect(overtaken, seeded).toEqual([]);
  });

  it('gave receipts that verify', () => {
    for (const { resource } of answers.accepted.values()) {
      const entry = fromBase64(resource.entry) ?? new Uint8Array();
      const trust = { entry, verifierKeys: [verifierKey] };
      const { index } = verifyReceipt(resource.receipt, trust, { ed25519Verify });
      expect(Buffer.from(stored.entries[index] ?? []).equals(entry), seeded).toBe(true);
    }
  });

  it('has a ledger that verifies from its bytes against an old checkpoint', () => {
    const trust = { verifierKeys: [verifierKey], oldCheckpoint, ed25519Verify };
    expect(verifyLedger({ ...stored, ...trust }), seeded).toMatchObject({
      ok: true,
      size: stored.entries.length,
      blocks: stored.blocks.length,
    });
  });

  it('has a ledger in which a single changed byte is found', () => {
    const at = Math.floor(random.between(0, stored.entries.length));
    const entries = stored.entries.map((entry, index) => (index === at ? altered(entry) : entry));
    const trust = { verifierKeys: [verifierKey], oldCheckpoint, ed25519Verify };
    const report = verifyLedger({ ...stored, entries, ...trust });
    expect(report, seeded).toMatchObject({ ok: false, fault: 'root-differs' });
  });
});

/** How many deferrals were begun more than once, by the ledger. */
function interrupted({ entries }: StoredLedger): number {
  const begun = new Map<string, number>();
  for (const bytes of entries) {
    const { type, id } = parseEntry(bytes);
    if (type === 'performing') begun.set(id, (begun.get(id) ?? 0) + 1);
  }
  return [...begun.values()].filter((times) => times > 1).length;
}

function altered(entry: Uint8Array): Uint8Array {
  const copy = Uint8Array.from(entry);
  copy[copy.length >> 1] = (copy[copy.length >> 1] ?? 0) ^ 1;
  return copy;
}
