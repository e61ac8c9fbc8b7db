/**
 * The shop as a process of its own:
 *
 *     node src/serve.ts --database postgres://... --ledger .slackwater --port 3000
 *
 * or by the environment: DATABASE_URL, LEDGER_DIRECTORY, PORT. Once it listens it prints one line of JSON with its
 * address and the key that its receipts are verified with. SIGTERM and SIGINT close it.
 */
import { parseArgs } from 'node:util';
import { sqliteEngine } from '@slackwater/middleware';
import { listen } from './listen.ts';
import { createShop, type ShopOptions } from './shop.ts';

interface Wish {
  readonly shop: ShopOptions;
  readonly port: number;
}

function readWish(): Wish {
  const { values } = parseArgs({
    options: {
      database: { type: 'string' },
      ledger: { type: 'string' },
      port: { type: 'string' },
      'lease-ms': { type: 'string' },
    },
  });
  const { DATABASE_URL, LEDGER_DIRECTORY, PORT } = process.env;
  const connectionString = values.database ?? DATABASE_URL;
  if (connectionString === undefined) {
    throw new Error('Say where the database is: --database postgres://... or DATABASE_URL.');
  }
  const leaseMs = values['lease-ms'];
  return {
    shop: {
      connectionString,
      engine: sqliteEngine({ directory: values.ledger ?? LEDGER_DIRECTORY ?? '.slackwater' }),
      ...(leaseMs === undefined ? {} : { perform: { leaseMs: Number(leaseMs) } }),
    },
    port: Number(values.port ?? PORT ?? 3_000),
  };
}

async function serve({ shop: options, port }: Wish): Promise<void> {
  const shop = await createShop(options);
  await shop.gate.start();
  const listening = await listen(shop.app, port);
  const verifierKey = await shop.gate.ledger.verifierKey();
  process.stdout.write(`${JSON.stringify({ address: listening.address, verifierKey })}\n`);
  const close = async (): Promise<void> => {
    await listening.close();
    await shop.close();
  };
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void close());
}

try {
  await serve(readWish());
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`, () => process.exit(1));
}
