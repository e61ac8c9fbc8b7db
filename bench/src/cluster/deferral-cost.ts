/**
 * What one deferral costs on NATS: `npm run bench:cluster`. It starts a cluster of three servers, a PostgreSQL and the shop,
 * defers orders while commits are slow, has them performed when they are quick again, and counts what is sent
 * meanwhile. A second host only follows. The figures of docs/operations.md come from here.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { jetstreamManager } from '@nats-io/jetstream';
import { connect } from '@nats-io/transport-node';
import { listen } from '@slackwater/example-shop/listen';
import { createShop, type Shop } from '@slackwater/example-shop/shop';
import { createKeyFile, slackwater } from '@slackwater/middleware';
import { natsEngine } from '@slackwater/middleware/nats';
import { type NatsCluster, startNatsCluster } from '@slackwater/test-support/nats';
import { slowCommits, startPostgres } from '@slackwater/test-support/postgres';
import { type Count, countMessages } from './count-messages.ts';
import { countingProxy, type Traffic } from './counting-proxy.ts';

interface Load {
  readonly title: string;
  readonly deferrals: number;
  /** How many at once; each sends its next request when it was answered. */
  readonly callers: number;
  readonly bodyBytes: number;
}

const loads: readonly Load[] = [
  { title: '1 caller, bodies of 200 bytes', deferrals: 100, callers: 1, bodyBytes: 200 },
  { title: '32 callers, bodies of 200 bytes', deferrals: 640, callers: 32, bodyBytes: 200 },
  { title: '32 callers, bodies of 4,096 bytes', deferrals: 320, callers: 32, bodyBytes: 4_096 },
];
const slow = { ms: 2_000, parallelism: 1 } as const;
const probers = 6;
const quietMs = 10_000;
const settleWithinMs = 180_000;
const json = { 'Content-Type': 'application/json' };

const undo: (() => unknown)[] = [];

async function start() {
  const cluster = await startNatsCluster();
  undo.push(() => cluster.stop());
  const database = await startPostgres({ database: 'shop' });
  undo.push(() => database.stop());
  const keys = createKeyFile({ application: 'shop', group: 'main' });
  const [host, follower] = [await proxied(cluster), await proxied(cluster)];
  const engine = natsEngine({ servers: host.address, keys });
  const shop = await createShop({ connectionString: database.connectionString, engine });
  undo.push(() => shop.close());
  await shop.gate.start();
  const { address, close } = await listen(shop.app, 0);
  undo.push(close);
  const commits = await slowCommits(shop.pool, ['payments', 'orders', 'reports']);
  const followingGate = slackwater({
    application: 'shop',
    engine: natsEngine({ servers: follower.address, keys }),
    requester: () => 'nobody',
    workTypes: { order: { priority: 1, whenOver: 'defer' } },
  });
  undo.push(() => followingGate.close());
  await followingGate.ledger.open();
  const counter = await countMessages(cluster.servers);
  undo.push(() => counter.close());
  const see = async (): Promise<Seen> => ({
    counts: new Map(counter.counts),
    kept: await keptBy(cluster),
    host: host.traffic,
    follower: follower.traffic,
  });
  return { shop, address, commits, see };
}

async function proxied(cluster: NatsCluster) {
  const proxy = await countingProxy(cluster.servers[0] ?? '');
  undo.push(() => proxy.close());
  return proxy;
}

interface Seen {
  readonly counts: ReadonlyMap<string, Count>;
  /** What streams keep on each of their servers. */
  readonly kept: ReadonlyMap<string, Count>;
  readonly host: Traffic;
  readonly follower: Traffic;
}

async function keptBy({ servers }: NatsCluster): Promise<ReadonlyMap<string, Count>> {
  const nats = await connect({ servers: [...servers] });
  try {
    const streams = await (await jetstreamManager(nats)).streams.list().next();
    return new Map(
      streams.map(({ config, state }) => [
        config.name.startsWith('KV_') ? 'store' : config.name.replace(/^.*_/, '').toLowerCase(),
        { messages: state.messages, bytes: state.bytes },
      ]),
    );
  } finally {
    await nats.close();
  }
}

/** Has orders deferred; gives where their outcomes will be. */
async function deferAll(
  address: string,
  { deferrals, callers, bodyBytes }: Load,
  run: string,
): Promise<readonly string[]> {
  const locations: string[] = [];
  let sent = 0;
  async function call(caller: number): Promise<void> {
    while (locations.length < deferrals) {
      const reference = `${run}-${sent}`;
      sent += 1;
      const answer = await fetch(`${address}/orders`, {
        method: 'POST',
        headers: {
          ...json,
          'X-Customer': `${run}-${caller}`,
          'Idempotency-Key': `"${reference}"`,
          Prefer: 'respond-async',
        },
        body: JSON.stringify({ reference, item: 'rope', count: 1, note: 'x'.repeat(bodyBytes - 60) }),
      });
      await answer.arrayBuffer();
      const location = answer.headers.get('Location');
      if (answer.status === 202 && location !== null) locations.push(location);
    }
  }
  await Promise.all(Array.from({ length: callers }, (_, caller) => call(caller)));
  return locations;
}

/**
 * Orders without asking to be deferred: by it the shop learns that commits are slow, and it is their probe. Who is alone with
 * a slow database would be that each time, and never deferred.
 */
function keepProbing(address: string): () => Promise<void> {
  const ending = new AbortController();
  const headers = { ...json, 'X-Customer': 'prober' };
  const body = JSON.stringify({ reference: 'probe', item: 'rope', count: 1 });
  async function probe(): Promise<void> {
    while (!ending.signal.aborted) {
      const answer = await fetch(`${address}/orders`, { method: 'POST', headers, body });
      await answer.arrayBuffer();
      if (answer.status === 503) await sleep(50);
    }
  }
  const probing = probe();
  return () => {
    ending.abort();
    return probing;
  };
}

/** Waits without asking the servers much: from the newest, which is performed last. */
async function allSettled(address: string, locations: readonly string[]): Promise<void> {
  const deadline = Date.now() + settleWithinMs;
  for (const location of locations.toReversed()) {
    while ((await fetch(`${address}${location}`)).headers.get('Slackwater-Outcome') !== 'final') {
      if (Date.now() > deadline) throw new Error('The deferrals were not performed in time.');
      await sleep(1_000);
    }
  }
}

/** Orders until the shop knows that commits are slow. */
async function untilOver({ gate }: Shop): Promise<void> {
  await new Promise<void>((resolve) => {
    const end = gate.on('state', ({ workType, to }) => {
      if (workType !== 'order' || to !== 'over') return;
      end();
      resolve();
    });
  });
}

const since = (now: Count | undefined, before: Count | undefined): Count => ({
  messages: (now?.messages ?? 0) - (before?.messages ?? 0),
  bytes: (now?.bytes ?? 0) - (before?.bytes ?? 0),
});

/** Prints what came between two looks, divided by `by`. */
function report(title: string, before: Seen, after: Seen, by: number, unit: string): void {
  const per = (value: number): string => (value / by).toFixed(value / by < 10 ? 2 : 0).padStart(9);
  const row = (name: string, { messages, bytes }: Count): string =>
    `  ${name.padEnd(28)}${per(messages)}${per(bytes)}`;
  const kinds = [...after.counts.keys()].toSorted();
  const rows = kinds
    .map((kind) => [kind, since(after.counts.get(kind), before.counts.get(kind))] as const)
    .filter(([, { messages }]) => messages > 0);
  const written = rows
    .filter(([kind]) => kind.startsWith('write'))
    .reduce(
      (sum, [, count]) => ({ messages: sum.messages + count.messages, bytes: sum.bytes + count.bytes }),
      {
        messages: 0,
        bytes: 0,
      },
    );
  const wire = (name: string, now: Traffic, then: Traffic): string =>
    `  ${name.padEnd(28)}${' '.repeat(9)}${per(now.sentBytes - then.sentBytes)} sent,${per(now.receivedBytes - then.receivedBytes)} received`;
  const lines = [
    '',
    `${title}; ${unit}`,
    `  ${''.padEnd(28)}${'messages'.padStart(9)}${'bytes'.padStart(9)}`,
    ...rows.map(([kind, count]) => row(kind, count)),
    row('all that is written', written),
    ...[...after.kept].map(([name, count]) => row(`kept in ${name}`, since(count, before.kept.get(name)))),
    wire('between host and server', after.host, before.host),
    wire('between follower and server', after.follower, before.follower),
  ];
  process.stdout.write(`${lines.join('\n')}\n`);
}

try {
  const { shop, address, commits, see } = await start();
  const idle = await see();
  await sleep(quietMs);
  report('a host that performs and one that follows, idle', idle, await see(), quietMs / 1_000, 'per second');
  for (const [number, load] of loads.entries()) {
    await commits.set(slow.ms, slow.parallelism);
    const isOver = untilOver(shop);
    const endProbing = Array.from({ length: probers }, () => keepProbing(address));
    await isOver;
    const before = await see();
    const startedAt = performance.now();
    const locations = await deferAll(address, load, `run${number}`);
    const tookS = (performance.now() - startedAt) / 1_000;
    const accepted = await see();
    const { length } = locations;
    report(
      `${load.title}: ${length} accepted in ${tookS.toFixed(1)} s`,
      before,
      accepted,
      length,
      'per deferral accepted',
    );
    await commits.set(0);
    await Promise.all(endProbing.map((end) => end()));
    await allSettled(address, locations);
    report(`${load.title}: performed`, accepted, await see(), length, 'per deferral performed');
  }
} finally {
  for (const step of undo.reverse()) await step();
}
process.exit();
