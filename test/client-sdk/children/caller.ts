/**
 * A caller that may be killed, on the built packages. `begin <origin>` sends an order that is held, prints the poller's text and waits for its
 * end; `resume <origin>` reads such a text from its standard input. Both print the outcome.
 */
import { createClient } from '@slackwater/client-sdk';

const [command = '', baseURL = ''] = process.argv.slice(2);
const client = createClient({ baseURL, deadlineMs: 60_000 });

async function textOf(stream: AsyncIterable<Buffer>): Promise<string> {
  let text = '';
  for await (const chunk of stream) text += chunk.toString();
  return text;
}

const poller =
  command === 'begin'
    ? await client.begin({ method: 'post', url: '/orders', data: { sku: 'held' } })
    : client.deferral(await textOf(process.stdin));
process.stdout.write(`${String(poller)}\n`);
const { status, data } = await poller.pollUntilDone();
process.stdout.write(`${JSON.stringify({ status, data })}\n`);
