import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fromBase64, parseEntry, parseReceipt, verifyLedger, verifyReceipt } from '@slackwater/shared';
import { type PostgresServer, startPostgres } from '@slackwater/test-support/postgres';
import { type SlowCommits, slowCommits } from '@slackwater/test-support/slow-commits';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Accepted, type Answers, startCallers } from './callers.ts';
import { seededRandom } from './random.ts';
import { freePort, type ShopPlace, type ShopProcess, startShop } from './shop-process.ts';
import { readStoredLedger, type StoredLedger } from './stored-ledger.ts';

const kills = 22;
/** From when it listens to when it is killed. */
const lifeMs = { least: 80, most: 1_300 } as const;
/** Every fourth is killed while it starts. */
const startMs = { least: 50, most: 700 } as const;
const slowMs = 130;
const performingWithinMs = 2_000;
const spellMs = { least: 300, most: 1_000 } as const;
const answeredWithinMs = 30_000;
const drainWithinMs = 40_000;

interface Row {
  readonly reference: string;
  readonly customer: string;
  readonly replayed: boolean;
}

describe('a shop that is killed again and again', () => {
  const random = seededRandom();
  const seeded = `SLACKWATER_CRASH_SEED=${random.seed}`;
  const folder = mkdtempSync(join(tmpdir(), 'slackwater-crash-'));
  let postgres: PostgresServer;
  let observer: pg.Pool;
  let place: ShopPlace;
  let shop: ShopProcess | undefined;

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

    const callers = startCallers(address.address);
    ({ answers } = callers);
    const weather = changeWeather(commits);
    for (let killed = 0; killed < kills; killed += 1) {
      await liveAndDie(killed);
      if (killed === kills >> 1) oldCheckpoint = await checkpointOf(address.address);
    }
    await weather.clearUp();
    await Promise.race([callers.finish(), tooLate()]);
    await drained();
    statuses = await statusesOf([...answers.accepted.values()]);
    await shop.kill();
    rows = await writtenRows();
    stored = readStoredLedger(place.ledgerDirectory, join(folder, 'copy'), 'shop');
  }, 170_000);

  afterAll(async () => {
    await shop?.kill();
    await observer?.end();
    await postgres?.stop();
    rmSync(folder, { recursive: true, force: true });
  });

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
      if (killed % 4 === 1) await whilePerforming(listening.address);
    }
    expect(shop.ended(), `${seeded}: it ended by itself: ${shop.complaints()}`).toBe(false);
    await shop.kill();
    shop = startShop(place);
  }

  /** Waits for an instant at which a deferral is being performed, but not for long: chance alone may miss them all. */
  async function whilePerforming(address: string): Promise<void> {
    for (const deadline = Date.now() + performingWithinMs; Date.now() < deadline; ) {
      const health = await fetch(`${address}/slackwater/health`);
      const { performing } = (await health.json()) as { readonly performing: number };
      if (performing > 0) return;
      await sleep(2);
    }
  }

  /** Slow and quick spells in turn, whatever the shop does. */
  function changeWeather(commits: SlowCommits): { clearUp(): Promise<void> } {
    let ending = false;
    const change = async (): Promise<void> => {
      while (!ending) {
        await commits.set(slowMs);
        await sleep(random.between(spellMs.least, spellMs.most));
        await commits.set(0);
        await sleep(random.between(spellMs.least, spellMs.most) / 2);
      }
    };
    const changing = change();
    return {
      async clearUp() {
        ending = true;
        await changing;
        await commits.set(0);
      },
    };
  }

  async function checkpointOf(address: string): Promise<string> {
    await shop?.listening;
    const response = await fetch(`${address}/slackwater/ledger/main/checkpoint`);
    if (!response.ok) throw new Error(`The checkpoint was refused: ${response.status}`);
    return response.text();
  }

  /** Waits until every deferral that was accepted is in the database, but not for ever: what is missing shows later. */
  async function drained(): Promise<void> {
    const deadline = Date.now() + drainWithinMs;
    const accepted = [...answers.accepted.keys()];
    for (;;) {
      const { rows: found } = await observer.query<{ found: number }>(
        'SELECT count(DISTINCT reference)::int AS found FROM orders WHERE reference = ANY($1)',
        [accepted],
      );
      if (found[0]?.found === accepted.length || Date.now() > deadline) return;
      await sleep(100);
    }
  }

  async function statusesOf(accepted: readonly Accepted[]): Promise<ReadonlyMap<string, unknown>> {
    const told = new Map<string, unknown>();
    for (const { reference, statusUrl } of accepted) {
      const response = await fetch(statusUrl, { headers: { Prefer: 'wait=5' } });
      const body = (await response.json()) as { readonly status?: unknown; readonly code?: unknown };
      told.set(reference, body.status ?? body.code);
    }
    return told;
  }

  async function writtenRows(): Promise<readonly Row[]> {
    const { rows: written } = await observer.query<Row>(
      `SELECT reference, customer, replayed FROM (
         SELECT 1 AS kind, id, reference, customer, replayed FROM orders
         UNION ALL SELECT 2, id, reference, customer, replayed FROM payments
       ) AS written ORDER BY kind, id`,
    );
    return written;
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
    const overtaken = descents(rows, ({ reference, customer, replayed }) => {
      const receipt = answers.accepted.get(reference)?.resource.receipt;
      return replayed && receipt !== undefined
        ? { of: customer, place: parseReceipt(receipt).index }
        : undefined;
    });
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
      const { index } = verifyReceipt(resource.receipt, { entry, verifierKeys: [verifierKey] });
      expect(Buffer.from(stored.entries[index] ?? []).equals(entry), seeded).toBe(true);
    }
  });

  it('has a ledger that verifies from its bytes against an old checkpoint', () => {
    const trust = { verifierKeys: [verifierKey], oldCheckpoint };
    expect(verifyLedger({ ...stored, ...trust }), seeded).toMatchObject({
      ok: true,
      size: stored.entries.length,
      blocks: stored.blocks.length,
    });
  });

  it('has a ledger in which a single changed byte is found', () => {
    const at = Math.floor(random.between(0, stored.entries.length));
    const entries = stored.entries.map((entry, index) => (index === at ? altered(entry) : entry));
    const report = verifyLedger({ ...stored, entries, verifierKeys: [verifierKey], oldCheckpoint });
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

/** Rows, in the order they were written in, whose place is before that of an earlier row of the same. */
function descents(
  rows: readonly Row[],
  placeOf: (row: Row) => { readonly of: string; readonly place: number } | undefined,
): readonly string[] {
  const last = new Map<string, number>();
  return rows.flatMap((row) => {
    const found = placeOf(row);
    if (found === undefined) return [];
    const before = last.get(found.of) ?? -1;
    last.set(found.of, found.place);
    return found.place > before ? [] : [`${row.reference} (${found.place}) after ${before}`];
  });
}

function timesOf(rows: readonly Row[]): ReadonlyMap<string, number> {
  const times = new Map<string, number>();
  for (const { reference } of rows) times.set(reference, (times.get(reference) ?? 0) + 1);
  return times;
}

function altered(entry: Uint8Array): Uint8Array {
  const copy = Uint8Array.from(entry);
  copy[copy.length >> 1] = (copy[copy.length >> 1] ?? 0) ^ 1;
  return copy;
}
