import { setTimeout as sleep } from 'node:timers/promises';
import type { OperationStatus } from '@slackwater/middleware';
import type { TripInput } from '../agency/trip.ts';
import type { Timeline } from '../timeline/timeline.ts';

const withinMs = 60_000;
const pollMs = 25;
const over = new Set<unknown>(['succeeded', 'undone', 'parked']);

/** What travellers ask of the agency, whichever process answers. `address` gives the one that is there now. */
export interface AgencyClient {
  /** Resolves with the trip's id once it is in the ledger. */
  begin(input: TripInput): Promise<string>;
  /** Waits until it has ended, also where the agency dies meanwhile. */
  ended(id: string): Promise<OperationStatus>;
  timeline(id: string): Promise<Timeline>;
}

/** Asks the agency. */
export function agencyClient(address: () => string): AgencyClient {
  const read = async (path: string): Promise<unknown> => {
    const response = await fetch(address() + path);
    if (!response.ok) throw new Error(`GET ${path}: ${response.status} ${await response.text()}`);
    return response.json();
  };
  return {
    async begin(input) {
      const response = await fetch(`${address()}/trips`, {
        method: 'POST',
        headers: { 'Content-Type': 'application/json' },
        body: JSON.stringify(input),
      });
      if (response.status !== 202)
        throw new Error(`POST /trips: ${response.status} ${await response.text()}`);
      return ((await response.json()) as { readonly id: string }).id;
    },
    async ended(id) {
      for (const deadline = Date.now() + withinMs; Date.now() < deadline; await sleep(pollMs)) {
        // Nobody may listen at this moment.
        const status = (await read(`/trips/${id}`).catch(() => undefined)) as OperationStatus | undefined;
        if (over.has(status?.status)) return status as OperationStatus;
      }
      throw new Error(`Trip ${id} has not ended after ${withinMs} ms.`);
    },
    timeline: async (id) => (await read(`/trips/${id}/timeline`)) as Timeline,
  };
}
