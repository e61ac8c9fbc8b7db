import { setTimeout as sleep } from 'node:timers/promises';

const withinMs = 60_000;
const pollMs = 50;

/** Places an order; resolves with the path of its status, undefined where the connection broke. `killAt` is for the shop, see shop-child.ts. */
export async function order(
  address: string,
  reference: string,
  killAt?: string,
): Promise<string | undefined> {
  try {
    const response = await fetch(`${address}/orders`, {
      method: 'POST',
      headers: {
        'Content-Type': 'application/json',
        'Idempotency-Key': `"${reference}"`,
        'X-Customer': `customer of ${reference}`,
        Prefer: 'respond-async',
        ...(killAt === undefined ? {} : { 'X-Kill-At': killAt }),
      },
      body: JSON.stringify({ reference }),
    });
    const text = await response.text();
    if (response.status !== 202) throw new Error(`The order was answered ${response.status}: ${text}`);
    return response.headers.get('Operation-Location') ?? undefined;
  } catch (error) {
    if (error instanceof TypeError) return undefined;
    throw error;
  }
}

/** Waits until it is settled and off the queue; resolves with its status. */
export async function settled(address: string, path: string): Promise<unknown> {
  return until(async () => {
    const response = await fetch(address + path);
    const { status } = (await response.json()) as { readonly status?: unknown };
    const isSettled = status === 'Succeeded' || status === 'Failed' || status === 'Canceled';
    return isSettled && (await backlog(address)).length === 0 ? status : undefined;
  });
}

/** What is left on its queue. */
export async function backlog(address: string): Promise<readonly unknown[]> {
  return (await (await fetch(`${address}/backlog`)).json()) as unknown[];
}

/** Looks until it is so, but not for ever; resolves with what it saw. */
export async function until<T>(look: () => Promise<T | undefined | false>): Promise<T> {
  for (const deadline = Date.now() + withinMs; ; ) {
    const seen = await look();
    if (seen !== undefined && seen !== false) return seen;
    if (Date.now() > deadline) throw new Error('It did not come to that in time.');
    await sleep(pollMs);
  }
}
