/**
 * The shop as a process of its own:
 *
 *     node src/serve.ts --database postgres://... --ledger .slackwater --port 3000
 *
 * or by the environment: DATABASE_URL, LEDGER_DIRECTORY, PORT. Once it listens it prints one line of JSON with its
 * address and the key that its receipts are verified with. SIGTERM and SIGINT close it.
 */
import { parseArgs } from 'node:util';
import { listen } from './listen.ts';
import { createShop } from './shop.ts';

const { values } = parseArgs({
  options: {
    database: { type: 'string' },
    ledger: { type: 'string' },
    port: { type: 'string' },
    'lease-ms': { type: 'string' },
  },
});
const connectionString = values.database ?? process.env['DATABASE_URL'];
const ledgerDirectory = values.ledger ?? process.env['LEDGER_DIRECTORY'] ?? '.slackwater';
const port = Number(values.port ?? process.env['PORT'] ?? 3000);
const leaseMs = values['lease-ms'] === undefined ? undefined : Number(values['lease-ms']);

if (connectionString === undefined) {
  process.stderr.write('Say where the database is: --database postgres://... or DATABASE_URL.\n');
  process.exit(2);
}

const shop = await createShop({
  connectionString,
  ledgerDirectory,
  ...(leaseMs === undefined ? {} : { perform: { leaseMs } }),
});
await shop.gate.start();
const listening = await listen(shop.app, port);
const verifierKey = (await shop.gate.ledger)?.verifierKey;
process.stdout.write(`${JSON.stringify({ address: listening.address, verifierKey })}\n`);

async function close(): Promise<void> {
  await listening.close();
  await shop.close();
}
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void close());
