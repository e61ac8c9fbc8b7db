import type { Accepted } from './callers.ts';

/** What is told of each deferral at the address of one's choice, by reference: its status, or the code of the problem. */
export async function statusesOf(
  accepted: Iterable<Accepted>,
  addressFor: (accepted: Accepted) => string,
): Promise<ReadonlyMap<string, unknown>> {
  const told = new Map<string, unknown>();
  for (const one of accepted) {
    const response = await fetch(addressFor(one) + one.statusPath, { headers: { Prefer: 'wait=5' } });
    const body = (await response.json()) as { readonly status?: unknown; readonly code?: unknown };
    told.set(one.reference, body.status ?? body.code);
  }
  return told;
}
