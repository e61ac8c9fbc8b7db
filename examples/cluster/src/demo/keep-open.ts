import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { json } from 'node:stream/consumers';
import { answer, setSlow, slowPath } from '@slackwater/example-shop/demo/slow-path';
import { listen } from '@slackwater/example-shop/listen';
import { openStage, type Stage } from './stage.ts';

const lifePaths = { kill: '/demo/kill', start: '/demo/start' } as const;

/** Keeps hosts, servers and load balancer open until the signal, the last on `port`; gives the exit code. */
export async function keepOpen(port: number, signal: AbortSignal): Promise<number> {
  const stage = await openStage((host, { text }) => process.stdout.write(`${host} ${text}\n`));
  try {
    // In front of the load balancer, so that a slow database can be healed.
    const listening = await listen((req, res) => {
      if (req.url === slowPath) void setSlow(stage.commits, req, res);
      else if (req.url === lifePaths.kill) void change(stage, 'kill', req, res);
      else if (req.url === lifePaths.start) void change(stage, 'start', req, res);
      else stage.balancer(req, res);
    }, port);
    try {
      process.stdout.write(greeting(stage, listening.address));
      if (!signal.aborted) await once(signal, 'abort');
    } finally {
      await listening.close();
    }
    return 0;
  } finally {
    await stage.close();
  }
}

/** `POST /demo/kill {"name": "host-2"}`: kill -9; `/demo/start` brings it back. */
async function change(
  { hosts, nats, servers }: Stage,
  what: 'kill' | 'start',
  req: IncomingMessage,
  res: ServerResponse,
): Promise<void> {
  const asked: unknown = req.method === 'POST' ? await json(req).catch(() => undefined) : undefined;
  const name = typeof asked === 'object' && asked !== null && 'name' in asked ? asked.name : undefined;
  const host = hosts.find((one) => one.name === name);
  const server = nats.find((one) => one.name === name);
  if (host === undefined && server === undefined) {
    const names = [...hosts, ...nats].map((one) => one.name).join(', ');
    answer(res, 400, { error: `POST {"name": "host-2"}: one of ${names}` });
    return;
  }
  try {
    await host?.[what]();
    if (server !== undefined) await servers[what](server.name);
    answer(res, 200, { [what === 'kill' ? 'killed' : 'started']: name });
  } catch (error) {
    answer(res, 500, { error: String(error) });
  }
}

function greeting({ hosts, nats, connectionString }: Stage, address: string): string {
  const as = "-H 'X-Customer: ada' -H 'Content-Type: application/json'";
  const order = (reference: string): string =>
    `curl -i ${address}/orders ${as} -H 'Prefer: respond-async' -H 'Idempotency-Key: "${reference}"' -d '{"reference":"${reference}","item":"oars","count":2}'`;
  const pay = `curl -i ${address}/payments ${as} -d '{"reference":"p1","amountCents":4200}'`;
  const rows = [
    ...hosts.map(({ name, address: at, pid }) => `  ${name}    ${at}  (pid ${pid})`),
    ...nats.map(({ name, address: at }) => `  ${name}    nats://${at}`),
  ];
  return `The shop is open at ${address}; Ctrl-C closes it. Behind it are

${rows.join('\n')}
  database  ${connectionString}

Order and pay; each request goes to the next host:
  ${order('o1')}
  ${pay}

Make every commit 300 ms slower, and pay until each host has noticed:
  curl ${address}${slowPath} -d '{"ms":300}'
  for i in $(seq 18); do ${pay}; done

Of two orders at once one tries whether it is still slow. The other is deferred: 202, with its receipt.
  ${order('o2')} &
  ${order('o3')}

Kill a host or a NATS server, and bring it back:
  curl ${address}${lifePaths.kill} -d '{"name":"host-2"}'
  curl ${address}${lifePaths.start} -d '{"name":"host-2"}'

Heal the database, and see at the Location of the 202 what became of the order, whoever performed it. Every host signs the same head:
  curl ${address}${slowPath} -d '{"ms":0}'
${hosts.map(({ address: at }) => `  curl ${at}/slackwater/ledger/main/checkpoint`).join('\n')}
`;
}
