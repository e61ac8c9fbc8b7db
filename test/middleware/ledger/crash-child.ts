// Accepts one request after the other until it is killed, and says on standard output which were acknowledged. With "tolerant"
// each caller goes on until its first failure, and says "failed <code> <fate>".
import { systemClock } from '../../../packages/middleware/src/clock.ts';
import { sqliteEngine } from '../../../packages/middleware/src/engines/sqlite/sqlite-engine.ts';
import { openLedger } from '../../../packages/middleware/src/ledger/open-ledger.ts';
import { acceptanceOf } from './ledgers.ts';

const [directory = '', callers = '4', most = '1000000', mode] = process.argv.slice(2);
const tolerant = mode === 'tolerant';
const owner = { application: 'payments', group: 'default', clock: systemClock };
const engine = await sqliteEngine({ directory }).open(owner);
const ledger = await openLedger({ ...owner, engine, engineTimeoutMs: 20_000 });
let left = Number(most);

async function accept(): Promise<void> {
  while (left-- > 0) {
    const result = await ledger.accept(acceptanceOf());
    if (result.kind === 'accepted') process.stdout.write(`${result.deferral.id}\n`);
  }
}

async function acceptUntilFailure(): Promise<void> {
  await accept().catch((error: { readonly code?: string; readonly fate?: string }) => {
    process.stdout.write(`failed ${error.code} ${error.fate}\n`);
  });
}

await Promise.all(Array.from({ length: Number(callers) }, tolerant ? acceptUntilFailure : accept));
if (tolerant) process.exit();
await ledger.close();
await engine.close();
