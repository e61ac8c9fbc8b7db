import { type Gate, slackwater, sqliteEngine } from '@slackwater/middleware';
import express, { type Express, type Request } from 'express';
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
    // A header is believed, so that it can be tried with curl; a real agency takes the word of its login.
    requester: (req) => req.get('X-Traveller'),
    engine: sqliteEngine({ directory }),
    perform: { leaseMs },
  });
  const trip = tripAt(addresses, timeoutMs);
  gate.operations.register(trip);

  const app = express();
  app.disable('x-powered-by');
  app.use(gate);
  app.use(express.json());
  app.post(
    '/trips',
    gate.operations.handler(trip, toInput, {
      waitMs: 5_000,
      status: 201,
      answer: ({ seat, room, key, place }, { id }) => ({ trip: id, seat, room, key, place }),
    }),
  );
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

function toInput(req: Request): TripInput {
  const { card, cents } = (req.body ?? {}) as Readonly<Record<string, unknown>>;
  return { traveller: req.get('X-Traveller') ?? '', card: String(card), cents: Number(cents) };
}
