import { setTimeout as sleep } from 'node:timers/promises';
import type { DeferralResource } from '@slackwater/shared';
import type { TripInput } from '../agency/trip.ts';
import type { Timeline } from '../timeline/timeline.ts';

const withinMs = 60_000;
const pollMs = 50;

/** What a traveller asked for. */
export interface Asked {
  /** The trip's id. */
  readonly id: string;
  /** Where it stands, without the host. */
  readonly statusPath: string;
}

/** What travellers ask of the agency, whichever process answers. `address` gives the one that is there now. */
export interface AgencyClient {
  /** Resolves once it is in the ledger, whether anything of it was booked or not. */
  begin(input: TripInput): Promise<Asked>;
  /** Waits until it has ended, also where the agency dies meanwhile. */
  ended(asked: Asked): Promise<DeferralResource['status']>;
  timeline(id: string): Promise<Timeline>;
}

/** Asks the agency; rejects when `signal` is aborted. */
export function agencyClient(address: () => string, signal: AbortSignal): AgencyClient {
  return {
    async begin({ traveller, ...order }) {
      const response = await fetch(`${address()}/trips`, {
        method: 'POST',
        headers: { 'Content-Type': 'application/json', 'X-Traveller': traveller, Prefer: 'wait=0' },
        body: JSON.stringify(order),
      });
      if (response.status !== 202)
        throw new Error(`POST /trips: ${response.status} ${await response.text()}`);
      const { operation } = (await response.json()) as DeferralResource;
      return { id: operation?.id ?? '', statusPath: response.headers.get('Operation-Location') ?? '' };
    },
    async ended({ id, statusPath }) {
      for (const deadline = Date.now() + withinMs; Date.now() < deadline; await sleep(pollMs)) {
        signal.throwIfAborted();
        // Nobody may listen at this moment.
        const response = await fetch(address() + statusPath).catch(() => undefined);
        const resource = response?.ok ? ((await response.json()) as DeferralResource) : undefined;
        if (resource?.phase === 'settled') return resource.status;
      }
      throw new Error(`Trip ${id} has not ended after ${withinMs} ms.`);
    },
    async timeline(id) {
      const response = await fetch(`${address()}/trips/${id}/timeline`);
      return (await response.json()) as Timeline;
    },
  };
}
