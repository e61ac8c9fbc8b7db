// Accepts and performs until it is killed, and says on standard output what was acknowledged: "accepted <id>", "performed <id>".
// With "drain" it accepts nothing, performs what there is, and ends.
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as sleep } from 'node:timers/promises';
import { systemClock as clock } from '../../../packages/middleware/src/clock.ts';
import { sqliteEngine } from '../../../packages/middleware/src/engines/sqlite/sqlite-engine.ts';
import { openLedger } from '../../../packages/middleware/src/ledger/open-ledger.ts';
import { acceptanceOf } from '../../middleware/ledger/ledgers.ts';

const [directory = '', mode = 'live'] = process.argv.slice(2);
const callers = 6;
const leaseMs = 1_000;
const lookEveryMs = 20;
const owner = { application: 'soak', group: 'main', clock };
const engine = await sqliteEngine({ directory }).open(owner);
const ledger = await openLedger({ ...owner, engine, engineTimeoutMs: 20_000, recoverEveryMs: 200 });
await ledger.recover();
// What the work is done on: a row for each time that it was done, in one transaction with its completion row.
const application = new DatabaseSync(join(directory, '..', 'application.db'), { timeout: 20_000 });
application.exec(`PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;
  CREATE TABLE IF NOT EXISTS completion (id TEXT PRIMARY KEY) STRICT;
  CREATE TABLE IF NOT EXISTS work (id TEXT NOT NULL) STRICT;`);
const complete = application.prepare('INSERT INTO completion VALUES (?) ON CONFLICT DO NOTHING');
const work = application.prepare('INSERT INTO work VALUES (?)');
const say = (what: string): void => void process.stdout.write(`${what}\n`);

async function accept(caller: number): Promise<void> {
  for (let n = 0; ; n++) {
    // A few ask again with the key of one before.
    const idempotencyKey = `${process.pid} ${caller} ${n - (n % 5 === 4 ? 1 : 0)}`;
    const orderKey = n % 3 === 0 ? { orderKey: `order ${caller}` } : {};
    const result = await ledger.accept(acceptanceOf({ idempotencyKey, ...orderKey }));
    if (result.kind !== 'accepted') throw new Error(result.kind);
    say(`accepted ${result.deferral.id}`);
  }
}

async function perform(): Promise<void> {
  for (;;) {
    const claims = await engine.queue.claim({ partition: 'payments', limit: 32, leaseMs, holder: 'soak' });
    await Promise.all(claims.map(({ id, token }) => performOne(id, token)));
    if (claims.length > 0) continue;
    if (mode === 'drain' && (await engine.queue.backlog()).length === 0) return;
    await sleep(lookEveryMs);
  }
}

async function performOne(id: string, token: number): Promise<void> {
  if ((await ledger.step(id, { type: 'performing', token })) !== undefined) {
    await ledger.request(id);
    const outcome = doWork(id) ? { status: 200, headers: [], body: Buffer.from('done') } : undefined;
    if (await ledger.step(id, { type: 'performed', token, outcome })) say(`performed ${id}`);
  }
  if ((await ledger.find(id))?.status === 'Succeeded') await engine.queue.settle(id, token);
}

/** False where it was done before. */
function doWork(id: string): boolean {
  application.exec('BEGIN IMMEDIATE');
  const isFirst = complete.run(id).changes === 1;
  if (isFirst) work.run(id);
  application.exec('COMMIT');
  return isFirst;
}

const accepting = Array.from({ length: mode === 'drain' ? 0 : callers }, (_, n) => accept(n));
await Promise.all([perform(), ...accepting]);
await ledger.close();
await engine.close();
