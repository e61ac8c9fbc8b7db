/**
 * One host: the shop with its ledger on NATS, as a process of its own. Every host is started with the same:
 *
 *     node src/host.ts --database postgres://... --nats nats-1:4222,nats-2:4222,nats-3:4222 --keys keys.json --port 3001
 *
 * Once it listens it prints one line of JSON with its address and the key that receipts are verified with. SIGTERM and
 * SIGINT close it. Started by the demo it also tells what it sees (host-messages.ts).
 */
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { listen } from '@slackwater/example-shop/listen';
import { createShop, partition, type Shop, type ShopOptions } from '@slackwater/example-shop/shop';
import { natsEngine } from '@slackwater/middleware/nats';
import type { FromHost, ToHost } from './host-messages.ts';
import { keepTally } from './tally.ts';

const tallyEveryMs = 250;
const openAgainAfterMs = 1_000;
const mostOpenings = 10;

interface Wish {
  readonly shop: ShopOptions;
  readonly port: number;
}

function readWish(): Wish {
  const { values } = parseArgs({
    options: {
      database: { type: 'string' },
      nats: { type: 'string' },
      keys: { type: 'string' },
      port: { type: 'string', default: '0' },
      'lease-ms': { type: 'string', default: '30000' },
    },
  });
  const { database, nats, keys } = values;
  if (database === undefined || nats === undefined || keys === undefined) {
    throw new Error('Say where database, NATS servers and key file are: --database, --nats and --keys.');
  }
  return {
    shop: {
      connectionString: database,
      engine: natsEngine({ servers: nats.split(','), keys: readFileSync(keys) }),
      perform: { leaseMs: Number(values['lease-ms']) },
    },
    port: Number(values.port),
  };
}

/** Nobody listens where this was started by hand. */
function tell(message: FromHost): void {
  if (process.connected) process.send?.(message, undefined, undefined, () => {});
}

function answerQuestions(shop: Shop): void {
  process.on('message', ({ checkpoint }: ToHost) => {
    shop.gate.audit.verify(checkpoint).then(
      (report) => tell({ type: 'verified', report }),
      (error: unknown) => tell({ type: 'event', tone: 'bad', text: `it can't verify: ${String(error)}` }),
    );
  });
}

/** A host that comes up while no NATS server leads the ledger's streams waits for that. */
async function openLedger({ gate }: Shop): Promise<void> {
  for (let i = 1; ; i++) {
    try {
      return await gate.start();
    } catch (error) {
      if (i === mostOpenings) throw error;
      await sleep(openAgainAfterMs);
    }
  }
}

async function serve({ shop: options, port }: Wish): Promise<void> {
  const shop = await createShop(options);
  const tally = keepTally(shop.gate, partition, tell);
  await openLedger(shop);
  const { address, close } = await listen(shop.app, port);
  const verifierKey = await shop.gate.ledger.verifierKey();
  answerQuestions(shop);
  tell({ type: 'listening', address, verifierKey });
  process.stdout.write(`${JSON.stringify({ address, verifierKey })}\n`);
  const telling = setInterval(() => tell({ type: 'tally', tally: tally() }), tallyEveryMs);
  const end = async (): Promise<void> => {
    clearInterval(telling);
    await close();
    await shop.close();
    if (process.connected) process.disconnect();
  };
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void end());
}

// Whoever started it as a part of something is gone.
process.once('disconnect', () => process.exit());

try {
  await serve(readWish());
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`, () => process.exit(1));
}
