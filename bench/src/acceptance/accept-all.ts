import type { Ledger } from '@slackwater/middleware';
import { orderText } from '../order.ts';
import { partition } from '../work-types.ts';

/** How many callers there are at a time. */
export const callers = 256;

/** Has so many orders accepted without HTTP, and gives their ids. */
export async function acceptAll(ledger: Ledger, count: number): Promise<readonly string[]> {
  const ids: string[] = [];
  let asked = 0;
  async function call(): Promise<void> {
    while (asked++ < count) {
      const accepted = await ledger.accept(acceptanceOf(partition));
      if (accepted.kind !== 'accepted') throw new Error(`An order was not accepted: ${accepted.kind}.`);
      ids.push(accepted.deferral.id);
    }
  }
  await Promise.all(Array.from({ length: Math.min(callers, count) }, call));
  return ids;
}

/** What the gate would have accepted, of an order on that partition. */
export function acceptanceOf(of: string): Parameters<Ledger['accept']>[0] {
  return {
    request: {
      method: 'POST',
      url: '/orders',
      headers: [['content-type', 'application/json']],
      body: Buffer.from(orderText),
      remoteAddress: '127.0.0.1',
      identity: undefined,
    },
    route: '/orders',
    workType: 'order',
    priority: 2,
    partition: of,
    requester: 'somebody',
    reasons: ['over-threshold'],
  };
}
