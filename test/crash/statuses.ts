import { setTimeout as sleep } from 'node:timers/promises';
import type { Accepted } from './callers.ts';

const settledWithinMs = 60_000;
const pauseMs = 100;
const settled: readonly unknown[] = ['Succeeded', 'Failed', 'Canceled'];

/**
 * What is told of each deferral at the address of one's choice, by reference: its status, or the code of the problem. Whoever
 * is asked to come back later, or to wait until it is settled, does so, but not for ever.
 */
export async function statusesOf(
  accepted: Iterable<Accepted>,
  addressFor: (accepted: Accepted) => string,
): Promise<ReadonlyMap<string, unknown>> {
  const told = new Map<string, unknown>();
  const deadline = Date.now() + settledWithinMs;
  for (const one of accepted) {
    let status = await statusOf(addressFor(one) + one.statusPath);
    while (!settled.includes(status) && Date.now() < deadline) {
      await sleep(pauseMs);
      status = await statusOf(addressFor(one) + one.statusPath);
    }
    told.set(one.reference, status);
  }
  return told;
}

async function statusOf(url: string): Promise<unknown> {
  const response = await fetch(url, { headers: { Prefer: 'wait=5' } });
  const body = (await response.json()) as { readonly status?: unknown; readonly code?: unknown };
  return typeof body.status === 'string' ? body.status : body.code;
}
