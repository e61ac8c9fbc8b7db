import { manualClock } from '@slackwater/test-support/manual-clock';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { sqliteUnderTest } from '../engines/sqlite/place.ts';
import { until } from '../perform/until.ts';
import { accepted, type Bench, ledgerBench, type OpenedLedger } from './ledgers.ts';
import { fourLives, kindsOfKeys, type Lives, retentionSuite } from './retention-suite.ts';

const dayMs = 86_400_000;
const clock = manualClock();
const heartbeatMs = 10_000;
let bench: Bench;
beforeEach(async () => {
  bench = await ledgerBench();
});
afterEach(() => bench.end());

const settledOf = ({ performed, failed, canceled }: Lives): string[] => [performed, failed, canceled];

/** Lets the ledger compare states and queue with the log, which takes two times, and delete what is due. */
async function beats({ engine }: OpenedLedger): Promise<void> {
  for (let n = 0; n < 3; n++) {
    clock.advance(heartbeatMs);
    await until(async () => (await engine.store.get('recovery/turn')) === undefined);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

async function forgotten(opened: OpenedLedger, ids: readonly string[]): Promise<void> {
  await until(
    async () => {
      const kinds = await Promise.all(ids.map((id) => kindsOfKeys(opened.engine, id)));
      return kinds.every((of) => of.length === 0);
    },
    () => clock.advance(heartbeatMs),
  );
}

retentionSuite('SQLite', sqliteUnderTest);

describe('what is kept of a settled deferral', () => {
  it('is all of it, for as long as outcomes are kept', async () => {
    const opened = await bench.open({ clock, recoverEveryMs: heartbeatMs });
    const lives = await fourLives(opened.ledger);
    clock.advance(7 * dayMs - 5 * heartbeatMs);
    await beats(opened);
    for (const id of settledOf(lives)) {
      expect(await kindsOfKeys(opened.engine, id)).toEqual(expect.arrayContaining(['deferral', 'payload']));
    }
    expect((await opened.ledger.outcome(lives.performed))?.status).toBe(200);
    await forgotten(opened, settledOf(lives));
  });

  it('goes on to be deleted by whoever opens the ledger next', async () => {
    const before = await bench.open({ clock, recoverEveryMs: heartbeatMs });
    const lives = await fourLives(before.ledger);
    await before.close();
    clock.advance(30 * dayMs);
    const after = await bench.open({ clock, recoverEveryMs: heartbeatMs });
    // Nobody has deleted its payload, and still it is not shown.
    expect(await after.ledger.find(lives.performed)).toBeUndefined();
    await forgotten(after, settledOf(lives));
    await after.ledger.request(lives.waiting);
  });

  it('is not made again from the log, where caches and cursors are lost; what waits is', async () => {
    const opened = await bench.open({ clock, recoverEveryMs: heartbeatMs });
    const lives = await fourLives(opened.ledger);
    clock.advance(8 * dayMs);
    await forgotten(opened, settledOf(lives));
    await opened.close();
    bench.database((db) => {
      db.exec("DELETE FROM store_1 WHERE key LIKE 'deferral/%' OR key LIKE '%/cursor'; DELETE FROM queue_1");
    });
    // Read a little at a time: how a deferral ended stands pages behind its beginning.
    const after = await bench.open({
      ...{ clock, recoverEveryMs: heartbeatMs },
      between: (real) => ({
        ...real,
        log: { ...real.log, read: (from, limit) => real.log.read(from, Math.min(limit, 2)) },
      }),
    });
    await after.ledger.recover();
    const claims = await after.engine.queue.claim({
      ...{ partition: 'payments', limit: 10, leaseMs: 60_000, holder: 't' },
    });
    expect(claims.map(({ id }) => id)).toEqual([lives.waiting]);
    expect((await after.ledger.list({ limit: 10 })).deferrals.map(({ id }) => id)).toEqual([lives.waiting]);
    await beats(after);
    await after.ledger.request(lives.waiting);
  });

  it('is told apart from a payload record that was lost: such a one is queued, for its performer to park', async () => {
    const opened = await bench.open({ clock, recoverEveryMs: heartbeatMs });
    const { id } = await accepted(opened.ledger);
    await opened.close();
    bench.database((db) => {
      db.exec("DELETE FROM store_1 WHERE key GLOB '[dpr]*/*' AND key NOT LIKE 'requester/%'");
      db.exec('DELETE FROM queue_1');
    });
    const after = await bench.open({ clock, recoverEveryMs: heartbeatMs });
    await after.ledger.recover();
    expect(await after.ledger.find(id)).toMatchObject({ phase: 'queued', salt: '' });
    expect(await after.engine.queue.backlog()).toMatchObject([{ items: 1 }]);
    await expect(after.ledger.request(id)).rejects.toMatchObject({ code: 'record-corrupt' });
  });

  it('is nothing that a performer who comes late could write to', async () => {
    const opened = await bench.open({ clock, recoverEveryMs: heartbeatMs });
    const lives = await fourLives(opened.ledger);
    clock.advance(8 * dayMs);
    await forgotten(opened, settledOf(lives));
    const size = await opened.engine.log.size();
    const late = opened.ledger.step(lives.performed, { type: 'performed', token: 9, outcome: undefined });
    await expect(late).rejects.toMatchObject({ code: 'not-found' });
    expect(await opened.engine.log.size()).toBe(size);
    expect(bench.verifyBytes(opened.ledger.verifierKey)).toMatchObject({ ok: true, size });
  });
});
