import { createClient } from '@slackwater/client-sdk';
import { listen } from '@slackwater/example-shop/listen';
import express from 'express';

/** A payment processor that holds no real money: it reserves funds, settles, and tells later what came of it. */
export interface ProcessorSimulator {
  readonly address: string;
  /** What it holds and has paid: cents by transaction. */
  readonly reserved: ReadonlyMap<string, number>;
  readonly captured: ReadonlyMap<string, number>;
  /** What was told of settlements and is not taken yet. */
  readonly untold: number;
  /** How often its answers were sent back to be told again. */
  readonly sentBack: number;
  /** How many settlements it was asked for in all, those that were repeated among them. */
  readonly asked: number;
  close(): Promise<void>;
}

/** What it never reserves. */
export const mostCents = 1_000_000;

const settlesWithinMs = 200;

/** Starts a processor. It tells what came of settlements at `tellTo`, and obeys when it is told to come back later. */
export async function startProcessor(tellTo: () => string): Promise<ProcessorSimulator> {
  const reserved = new Map<string, number>();
  const captured = new Map<string, number>();
  const released = new Set<string>();
  const ending = new AbortController();
  const telling = new Set<Promise<void>>();
  let sentBack = 0;
  let asked = 0;

  async function tell(id: string, amountCents: number): Promise<void> {
    const client = createClient({
      baseURL: tellTo(),
      preferAsync: false,
      deadlineMs: 60_000,
      onRetry: () => {
        sentBack++;
      },
    });
    while (!ending.signal.aborted) {
      try {
        await client.put(`/responses/${id}`, { amountCents }, { signal: ending.signal });
        return;
      } catch {
        // Nobody listens at this moment, or the host went away with it. Telling it twice changes nothing.
        await new Promise((resolve) => setTimeout(resolve, 200));
      }
    }
  }

  const app = express();
  app.use(express.json());
  app.put('/authorizations/:id', (req, res) => {
    const { id } = req.params;
    const { amountCents } = req.body as { readonly amountCents: number };
    // An authorization that was under way for long may come after what gave its funds back.
    if (amountCents > mostCents || released.has(id)) {
      res.status(402).json({ error: released.has(id) ? 'was given back' : 'not covered' });
      return;
    }
    if (!captured.has(id)) reserved.set(id, amountCents);
    res.status(201).json({ reservedCents: amountCents });
  });
  app.delete('/authorizations/:id', (req, res) => {
    const { id } = req.params;
    reserved.delete(id);
    released.add(id);
    res.status(204).end();
  });
  app.put('/settlements/:id', (req, res) => {
    const { id } = req.params;
    const { amountCents } = req.body as { readonly amountCents: number };
    asked++;
    if (captured.has(id)) {
      res.status(200).json({ settledCents: captured.get(id) });
      return;
    }
    if (amountCents > (reserved.get(id) ?? 0)) {
      res.status(422).json({ error: 'more than is reserved' });
      return;
    }
    // What was reserved beyond that is its customer's again.
    reserved.delete(id);
    captured.set(id, amountCents);
    res.status(202).json({ settledCents: amountCents });
    const told = new Promise((resolve) => setTimeout(resolve, Math.random() * settlesWithinMs))
      .then(() => tell(id, amountCents))
      .finally(() => telling.delete(told));
    telling.add(told);
  });

  const listening = await listen(app, 0);
  return {
    address: listening.address,
    reserved,
    captured,
    get untold() {
      return telling.size;
    },
    get sentBack() {
      return sentBack;
    },
    get asked() {
      return asked;
    },
    async close() {
      ending.abort();
      await listening.close();
      await Promise.all(telling);
    },
  };
}
