import { randomUUID } from 'node:crypto';
import type { Poller, SlackwaterClient } from '@slackwater/client-sdk';

const applications = ['door', 'payroll', 'archive'];
const actions = ['opened', 'changed', 'closed'];

/** Has applications tell of events; gives what waits for their rows. Nothing of it waits for the database. */
export async function tellEvents(
  clientOf: (headers: Record<string, string>) => SlackwaterClient,
  count: number,
): Promise<readonly Poller[]> {
  const clients = applications.map((application) => clientOf({ 'X-Application': application }));
  const pollers: Poller[] = [];
  for (let i = 0; i < count; i++) {
    const client = clients[i % clients.length] as SlackwaterClient;
    const event = { action: actions[i % actions.length], actor: 'ada', details: { reference: randomUUID() } };
    pollers.push(await client.begin({ method: 'post', url: `/objects/file-${i % 5}/events`, data: event }));
  }
  return pollers;
}
