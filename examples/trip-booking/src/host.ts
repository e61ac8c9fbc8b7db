/**
 * One process of the agency:
 *
 *     node src/host.ts --world '{"airline":"http://...", ...}' --ledger .slackwater
 *
 * Once it listens it prints its address as a line of JSON. SIGTERM closes it.
 */
import { parseArgs } from 'node:util';
import { listen } from '@slackwater/example-shop/listen';
import { openAgency } from './agency/agency.ts';
import type { Addresses } from './world/world.ts';

const { values } = parseArgs({
  options: {
    world: { type: 'string', default: '' },
    ledger: { type: 'string', default: '.slackwater' },
    port: { type: 'string', default: '0' },
    'lease-ms': { type: 'string', default: '30000' },
  },
});

async function serve(): Promise<void> {
  if (values.world === '') throw new Error('Say where the services are: --world, as JSON.');
  const agency = await openAgency({
    addresses: JSON.parse(values.world) as Addresses,
    directory: values.ledger,
    leaseMs: Number(values['lease-ms']),
  });
  await agency.gate.start();
  const listening = await listen(agency.app, Number(values.port));
  process.stdout.write(`${JSON.stringify({ address: listening.address })}\n`);
  process.once('SIGTERM', async () => {
    await listening.close();
    await agency.close();
  });
}

try {
  await serve();
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`, () => process.exit(1));
}
