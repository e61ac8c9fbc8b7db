import { type Gate, slackwater, sqliteEngine } from '@slackwater/middleware';
import express, { type Express } from 'express';
import { timelineOf } from '../timeline/timeline.ts';
import type { Addresses } from '../world/world.ts';
import { type TripInput, tripAt } from './trip.ts';

/** What an agency is opened with. */
export interface AgencyOptions {
  /** Where it books. */
  readonly addresses: Addresses;
  /** Where the ledger and its keys are. */
  readonly directory: string;
  /** How long a process that died keeps its trips from others, ms. */
  readonly leaseMs: number;
  /** How long a service may take to answer, ms. Default 1,500. */
  readonly timeoutMs?: number;
}

/** An open agency. */
export interface Agency {
  readonly app: Express;
  readonly gate: Gate;
  close(): Promise<void>;
}

/** Opens the agency. Trips of a process that ended are gone on with, forward or backward, from what the ledger has. */
export async function openAgency({
  addresses,
  directory,
  leaseMs,
  timeoutMs = 1_500,
}: AgencyOptions): Promise<Agency> {
  const gate = slackwater({
    application: 'trip-booking',
    engine: sqliteEngine({ directory }),
    perform: { leaseMs },
  });
  const trip = tripAt(addresses, timeoutMs);
  gate.operations.register(trip);

  const app = express();
  app.disable('x-powered-by');
  app.use(gate);
  app.use(express.json());
  app.post('/trips', async (req, res) => {
    const { id } = await gate.operations.start(trip, req.body as TripInput);
    res.status(202).location(`/trips/${id}`).json({ id });
  });
  app.get('/trips/:id', async (req, res) => {
    const status = await gate.operations.find(req.params.id);
    if (status === undefined) res.status(404).json({ error: 'there is no such trip' });
    else res.json({ ...status, outputs: await gate.operations.outputs(req.params.id) });
  });
  app.get('/trips/:id/timeline', async (req, res) => {
    const ledger = await gate.ledger.open();
    // Each entry is verified under the signed head before it is given.
    const history = await ledger.operations.history(new Set([req.params.id]), 0);
    res.json(timelineOf((history.get(req.params.id) ?? []).map(({ entry }) => entry)));
  });
  return {
    app,
    gate,
    close: () => gate.close(),
  };
}
