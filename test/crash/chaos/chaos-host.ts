// The example shop on a ledger that it shares with others, with short waits: what fails is tried again at once. Prints what serve.ts prints.
import { sqliteEngine } from '@slackwater/middleware';
import { listen } from '../../../examples/shop/src/listen.ts';
import { createShop } from '../../../examples/shop/src/shop.ts';

const [directory = '', port = '0', leaseMs = '1500'] = process.argv.slice(2);
// Nothing is left where the one who started it is gone.
process.stdin.on('end', () => process.exit()).resume();
try {
  const shop = await createShop({
    connectionString: process.env['DATABASE_URL'] ?? '',
    engine: sqliteEngine({ directory }),
    perform: {
      leaseMs: Number(leaseMs),
      attemptTimeoutMs: 10_000,
      lookEveryMs: 200,
      lookCapMs: 1_000,
      retryBaseMs: 100,
      retryCapMs: 1_000,
      // However bad the day, nobody gives up.
      maxAttempts: 1_000,
    },
  });
  await shop.gate.start();
  const { address } = await listen(shop.app, Number(port));
  const verifierKey = await shop.gate.ledger.verifierKey();
  process.stdout.write(`${JSON.stringify({ address, verifierKey })}\n`);
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`, () => process.exit(1));
}
