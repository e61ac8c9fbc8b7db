// Accepts and performs until it is killed, and says on standard output what was acknowledged: "accepted <id>", "performed <id>".
// With "drain" it accepts nothing, performs what there is, and ends.
import { setTimeout as sleep } from 'node:timers/promises';
import { systemClock as clock } from '../../../packages/middleware/src/clock.ts';
import { sqliteEngine } from '../../../packages/middleware/src/engines/sqlite/sqlite-engine.ts';
import { openLedger } from '../../../packages/middleware/src/ledger/open-ledger.ts';
import { acceptanceOf } from '../../middleware/ledger/ledgers.ts';

const [directory = '', mode = 'live'] = process.argv.slice(2);
const callers = 6;
const leaseMs = 100;
const owner = { application: 'soak', group: 'main', clock };
const engine = await sqliteEngine({ directory }).open(owner);
const ledger = await openLedger({ ...owner, engine, engineTimeoutMs: 20_000, recoverEveryMs: 200 });
await ledger.recover();
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
    await sleep(leaseMs / 4);
  }
}

async function performOne(id: string, token: number): Promise<void> {
  const done = { status: 200, headers: [], body: Buffer.from('done') };
  if ((await ledger.step(id, { type: 'performing', token })) !== undefined) {
    await ledger.request(id);
    if (await ledger.step(id, { type: 'performed', token, outcome: done })) say(`performed ${id}`);
  }
  if ((await ledger.find(id))?.status === 'Succeeded') await engine.queue.settle(id, token);
}

await Promise.all([
  perform(),
  ...(mode === 'drain' ? [] : Array.from({ length: callers }, (_, n) => accept(n))),
]);
await ledger.close();
await engine.close();
