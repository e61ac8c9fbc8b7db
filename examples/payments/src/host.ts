/**
 * One host of the payment service as a process of its own:
 *
 *     node src/host.ts --database postgres://... --database postgres://... --processor http://... --ledger .slackwater
 *
 * Once it listens it prints one line of JSON with the addresses of its two interfaces. SIGTERM closes it.
 */
import { parseArgs } from 'node:util';
import { listen } from '@slackwater/example-shop/listen';
import { openService } from './service/service.ts';

const { values } = parseArgs({
  options: {
    database: { type: 'string', multiple: true },
    processor: { type: 'string' },
    ledger: { type: 'string', default: '.slackwater' },
    'internal-port': { type: 'string', default: '0' },
    'external-port': { type: 'string', default: '0' },
    'batch-every-ms': { type: 'string', default: '60000' },
    'lease-ms': { type: 'string', default: '30000' },
  },
});

async function serve(): Promise<void> {
  const { database: connectionStrings, processor } = values;
  if (connectionStrings === undefined || processor === undefined)
    throw new Error(
      'Say where the databases and the processor are: --database, several times, and --processor.',
    );
  const service = await openService({
    connectionStrings,
    processor,
    directory: values.ledger,
    batchEveryMs: Number(values['batch-every-ms']),
    leaseMs: Number(values['lease-ms']),
  });
  await service.internal.gate.start();
  const internal = await listen(service.internal.app, Number(values['internal-port']));
  const external = await listen(service.external.app, Number(values['external-port']));
  process.stdout.write(`${JSON.stringify({ internal: internal.address, external: external.address })}\n`);
  process.once('SIGTERM', async () => {
    await Promise.all([internal.close(), external.close()]);
    await service.close();
  });
}

try {
  await serve();
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`, () => process.exit(1));
}
