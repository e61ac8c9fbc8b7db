/**
 * A host that takes a batch, says on standard output with which fencing token, and never ends what it performs; on the built
 * packages. By the environment: DIRECTORY, of an engine that it shares.
 */
import { slackwater, sqliteEngine } from '@slackwater/middleware';

const gate = slackwater({
  application: 'batches',
  workTypes: { settle: { priority: 1 } },
  engine: sqliteEngine({ directory: process.env['DIRECTORY'] ?? '' }),
  ledger: { engineTimeoutMs: 30_000 },
});
const batch = gate.batch({
  name: 'settlements',
  workType: 'settle',
  source: [{ id: 'first', partition: 'orders' }],
  leaseMs: 1_000,
  attemptTimeoutMs: 600_000,
  perform: (_, { fencingToken }) => {
    process.stdout.write(`${fencingToken}\n`);
    return new Promise<void>(() => {});
  },
});
// Timers of the gate keep no process alive.
setInterval(() => {}, 60_000);
await batch.run();
