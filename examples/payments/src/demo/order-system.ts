import { randomUUID } from 'node:crypto';
import { createClient, type SlackwaterClient } from '@slackwater/client-sdk';
import { mostCents } from '../processor/processor.ts';

/** What the order system knows of one transaction: what it asked for and was granted. */
export interface Purchase {
  readonly id: string;
  readonly order: string;
  readonly amountCents: number;
  /** How it has to end. */
  readonly end: 'settled' | 'canceled' | 'refused';
  readonly settleCents: number;
  /** Whether all that it asked for was granted. */
  isGranted: boolean;
}

/** A system of the company that takes orders, and has them paid when they are shipped. */
export interface OrderSystem {
  readonly purchases: readonly Purchase[];
  /** What it was answered since it was last asked. */
  take(): Tally;
  /** Takes no more orders; resolves when all that it asked for was granted. */
  stop(): Promise<void>;
}

/** Answers to the order system. */
export interface Tally {
  authorized: number;
  shipped: number;
  canceled: number;
  /** Told to come back later. */
  sentBack: number;
  /** Settlement requests that were deferred. */
  deferred: number;
}

const shipsWithinMs = 1_500;
const pauseMs = 250;

/**
 * Opens an order system that takes an order each `everyMs`, of one to three shipments: a transaction for each. With the signal it gives up what it
 * still asks for.
 */
export function openOrderSystem(baseURL: string, everyMs: number, signal: AbortSignal): OrderSystem {
  const purchases: Purchase[] = [];
  const busy = new Set<Promise<void>>();
  let tally: Tally = nothing();
  let orders = 0;

  const client = createClient({
    baseURL,
    headers: { 'X-System': 'orders' },
    deadlineMs: 120_000,
    onRetry: () => {
      tally.sentBack++;
    },
    onDeferred: () => {
      tally.deferred++;
    },
  });

  function takeOrder(): void {
    const order = `order-${++orders}`;
    for (let i = Math.ceil(Math.random() * 3); i > 0; i--) {
      const purchase = newPurchase(order, orders);
      purchases.push(purchase);
      const work = pay({ client, signal, tell: (what) => tally[what]++ }, purchase).finally(() =>
        busy.delete(work),
      );
      busy.add(work);
    }
  }

  const taking = setInterval(takeOrder, everyMs);
  return {
    purchases,
    take() {
      const taken = tally;
      tally = nothing();
      return taken;
    },
    async stop() {
      clearInterval(taking);
      while (busy.size > 0) await Promise.all(busy);
    },
  };
}

function nothing(): Tally {
  return { authorized: 0, shipped: 0, canceled: 0, sentBack: 0, deferred: 0 };
}

/** One in ten is canceled by its customer, one in twenty is beyond what the processor grants; half are shipped for less. */
function newPurchase(order: string, number: number): Purchase {
  const end = number % 20 === 7 ? 'refused' : number % 10 === 3 ? 'canceled' : 'settled';
  const amountCents = end === 'refused' ? mostCents + 1 : 100 + Math.floor(Math.random() * 10_000);
  const settleCents = number % 2 === 0 ? amountCents : Math.ceil(amountCents * 0.8);
  return { id: randomUUID(), order, amountCents, end, settleCents, isGranted: false };
}

interface Teller {
  readonly client: SlackwaterClient;
  readonly signal: AbortSignal;
  readonly tell: (what: 'authorized' | 'shipped' | 'canceled') => unknown;
}

async function pay({ client, signal, tell }: Teller, purchase: Purchase): Promise<void> {
  const { id, order, amountCents, end, settleCents } = purchase;
  const insist = (send: () => Promise<{ readonly status: number }>, expected: number): Promise<void> =>
    sendUntil(send, expected, signal);
  await insist(
    () => client.put(`/transactions/${id}`, { order, amountCents }, { signal }),
    end === 'refused' ? 402 : 201,
  );
  if (end !== 'refused') tell('authorized');
  await new Promise((resolve) => setTimeout(resolve, Math.random() * shipsWithinMs));
  if (end === 'settled') {
    await insist(
      () => client.post(`/transactions/${id}/settlement`, { amountCents: settleCents }, { signal }),
      201,
    );
    tell('shipped');
  } else if (end === 'canceled') {
    await insist(() => client.post(`/transactions/${id}/cancel`, undefined, { signal }), 200);
    tell('canceled');
  }
  purchase.isGranted = !signal.aborted;
}

/** Sends it again until it is answered as it must be: each of these requests may be repeated. */
async function sendUntil(
  send: () => Promise<{ readonly status: number }>,
  expected: number,
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    const status = await send().then(
      (response) => response.status,
      (error: { readonly response?: { readonly status: number } }) => error.response?.status,
    );
    if (status === expected) return;
    // A host was killed with it, or its database is down.
    await new Promise((resolve) => setTimeout(resolve, pauseMs));
  }
}
