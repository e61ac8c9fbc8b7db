import { createClient, type SlackwaterClient } from '@slackwater/client-sdk';
import type { Journal } from './journal.ts';

/** How often something is sent, and what. */
interface Errand {
  readonly workType: string;
  readonly path: string;
  readonly everyMs: number;
  readonly body: (reference: string, count: number) => object;
  /** Whether it is sent again where its answer was lost: deferrable routes do a request with an Idempotency-Key once. */
  readonly serverKeepsKeys: boolean;
}

const errands: readonly Errand[] = [
  {
    workType: 'pay',
    path: '/payments',
    everyMs: 200,
    serverKeepsKeys: false,
    body: (reference, count) => ({ reference, amountCents: 100 + count }),
  },
  {
    workType: 'order',
    path: '/orders',
    everyMs: 100,
    serverKeepsKeys: true,
    body: (reference, count) => ({
      reference,
      item: ['oars', 'rope', 'buoy'][count % 3],
      count: 1 + (count % 4),
    }),
  },
  {
    workType: 'report',
    path: '/reports',
    everyMs: 300,
    serverKeepsKeys: false,
    body: (reference) => ({ reference }),
  },
];

const customers = ['ada', 'bea', 'cleo', 'dora', 'edda', 'finn', 'gus', 'hal', 'ira', 'jon', 'kay', 'lea'];

/** The callers at work. */
export interface Callers {
  /** Nobody sends anything new. */
  stop(): void;
  /** Resolves when every request has its final answer. */
  settled(): Promise<void>;
}

/**
 * Customers who pay, order and ask for reports at a steady pace, each through a client of its own. They know nothing
 * of the database's troubles: the client waits, repeats and polls for them.
 */
export function startCallers(
  shop: { readonly address: string; readonly verifierKey: string },
  journal: Journal,
  signal: AbortSignal,
): Callers {
  const clients = customers.map((customer) =>
    createClient({
      baseURL: shop.address,
      headers: { 'X-Customer': customer },
      verifierKeys: [shop.verifierKey],
    }),
  );
  const underWay = new Set<Promise<void>>();
  let count = 0;

  const timers = errands.map((errand) =>
    setInterval(() => {
      const client = clients[count % clients.length];
      if (client === undefined) return;
      count += 1;
      const call = send(client, errand, count, journal, signal).finally(() => underWay.delete(call));
      underWay.add(call);
    }, errand.everyMs),
  );
  return {
    stop() {
      for (const timer of timers) clearInterval(timer);
    },
    async settled() {
      while (underWay.size > 0) await Promise.all(underWay);
    },
  };
}

async function send(
  client: SlackwaterClient,
  { workType, path, body, serverKeepsKeys }: Errand,
  count: number,
  journal: Journal,
  signal: AbortSignal,
): Promise<void> {
  const entry = journal.open(`${workType}-${count}`, workType);
  try {
    const { status, slackwater } = await client.post(path, body(entry.reference, count), {
      signal,
      slackwater: {
        serverKeepsKeys,
        onRetry: ({ reason }) => {
          if (reason === 'retry-later') entry.retries += 1;
        },
        onDeferred: ({ id }) => {
          entry.deferral = id;
        },
      },
    });
    entry.status = status;
    const { receipt, deferral } = slackwater;
    if (receipt !== undefined && deferral !== undefined) entry.proof = { receipt, entry: deferral.entry };
  } catch (error) {
    entry.failure = error instanceof Error ? error.message : String(error);
  }
}
