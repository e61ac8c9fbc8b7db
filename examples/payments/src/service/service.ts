import { type Gate, slackwater, sqliteEngine } from '@slackwater/middleware';
import express, { type Express } from 'express';
import { type Batches, runBatches } from './batches.ts';
import { externalRoutes } from './external.ts';
import { internalRoutes, systemOf } from './internal.ts';
import { openPartitions, type Partitions } from './partitions.ts';
import { processorAt } from './processor-client.ts';
import { refusals } from './read-request.ts';
import { workTypes } from './work-types.ts';

/** What a host of the payment service is opened with. */
export interface ServiceOptions {
  /** The databases, one for each partition. */
  readonly connectionStrings: readonly string[];
  /** Where the processor is. */
  readonly processor: string;
  /** Where the ledger is; the hosts of one machine share it. */
  readonly directory: string;
  /** How often batches are due, ms. */
  readonly batchEveryMs: number;
  /** How long work stays with a host that is not heard of, ms. Default 30,000. */
  readonly leaseMs?: number;
}

/** An open host: an interface for the company's systems and one for the processor, with a gate each. */
export interface Service {
  readonly internal: { readonly app: Express; readonly gate: Gate };
  readonly external: { readonly app: Express; readonly gate: Gate };
  readonly batches: Batches;
  readonly partitions: Partitions;
  close(): Promise<void>;
}

/** One partition on one host has a few commits a second: more of them would be of minutes ago. */
const latency = { window: 16 };

/** Opens a host. Rejects where a database can't be reached. */
export async function openService(options: ServiceOptions): Promise<Service> {
  const { connectionStrings, directory, batchEveryMs, leaseMs = 30_000 } = options;
  const partitions = await openPartitions(connectionStrings);
  const processor = processorAt(options.processor);
  const partition = ({ params }: { readonly params: Readonly<Record<string, unknown>> }): string =>
    partitions.of(String(params['id'])).name;

  const inside = slackwater({
    application: 'payments',
    latency,
    workTypes,
    routes: {
      'PUT /transactions/:id': { workType: 'authorize', partition },
      'POST /transactions/:id/cancel': { workType: 'authorize', partition },
      'POST /transactions/:id/settlement': { workType: 'receive-settlement', partition },
    },
    requester: systemOf,
    captureHeaders: ['X-System'],
    engine: sqliteEngine({ directory }),
    perform: { retryCapMs: 5_000, leaseMs },
  });
  const batches = runBatches(inside, partitions, processor, { everyMs: batchEveryMs, leaseMs });

  const outside = slackwater({
    application: 'payments',
    latency,
    workTypes: { 'receive-response': workTypes['receive-response'] },
    routes: { 'PUT /responses/:id': { workType: 'receive-response', partition } },
  });

  const internal = { app: application(inside, internalRoutes(partitions, processor)), gate: inside };
  const external = { app: application(outside, externalRoutes(partitions)), gate: outside };
  return {
    internal,
    external,
    batches,
    partitions,
    async close() {
      await inside.close();
      await outside.close();
      await partitions.close();
    },
  };
}

function application(gate: Gate, routes: express.Router): Express {
  const app = express();
  app.disable('x-powered-by');
  app.use(gate);
  app.use(routes);
  app.use(refusals);
  return app;
}
