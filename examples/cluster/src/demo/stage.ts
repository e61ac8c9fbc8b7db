import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import type { RequestListener } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createTables } from '@slackwater/example-shop/tables';
import { createKeyFile } from '@slackwater/middleware';
import { type NatsNode, startNatsCluster } from '@slackwater/test-support/nats';
import { startPostgres } from '@slackwater/test-support/postgres';
import { type SlowCommits, slowCommits } from '@slackwater/test-support/slow-commits';
import pg from 'pg';
import type { FromHost } from '../host-messages.ts';
import { balance } from '../load-balancer.ts';
import { type HostProcess, hostProcess } from './host-process.ts';
import { type Servers, watchServers } from './servers.ts';

/** Database, NATS cluster, hosts and load balancer, all of which go when it is closed. */
export interface Stage {
  readonly connectionString: string;
  /** Makes the database's commits slow. */
  readonly commits: SlowCommits;
  /** NATS servers by name, with their addresses. */
  readonly nats: readonly Pick<NatsNode, 'name' | 'address'>[];
  readonly servers: Servers;
  readonly hosts: readonly HostProcess[];
  /** Spreads requests over the hosts that run. */
  readonly balancer: RequestListener;
  close(): Promise<void>;
}

type Event = Extract<FromHost, { type: 'event' }>;

const hostNames = ['host-1', 'host-2', 'host-3'];
/** Short, so that the demo need not wait long for what a killed host was performing. The default is 30 s. */
const leaseMs = 5_000;

/** Sets it up; what was begun is ended again where that fails. */
export async function openStage(onEvent: (host: string, event: Event) => void): Promise<Stage> {
  const undo: (() => Promise<unknown>)[] = [];
  const close = async (): Promise<void> => {
    for (let step = undo.pop(); step !== undefined; step = undo.pop()) await step();
  };
  try {
    const [database, cluster] = await both(
      startPostgres({ database: 'shop' }),
      startNatsCluster(),
      (started) => undo.push(() => started.stop()),
    );
    const servers = await watchServers(cluster);
    undo.push(() => servers.close());
    const { connectionString } = database;
    const setup = { connectionString, natsServers: cluster.servers, keyFile: makeKeys(undo), leaseMs };
    const commits = await prepareDatabase(connectionString, undo);
    const hosts = hostNames.map((name) => hostProcess(name, setup, (event) => onEvent(name, event)));
    undo.push(() => Promise.all(hosts.map((host) => host.end())));
    // The first one makes the streams; several at once would do as well.
    await Promise.all(hosts.map((host) => host.start()));
    return {
      connectionString,
      commits,
      nats: cluster.nodes,
      servers,
      hosts,
      balancer: balance(() => hosts.flatMap(({ address }) => address ?? [])),
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

/** Starts two things at once; where one fails the other is still ended. */
async function both<A extends Stoppable, B extends Stoppable>(
  a: Promise<A>,
  b: Promise<B>,
  onStarted: (started: Stoppable) => void,
): Promise<[A, B]> {
  for (const outcome of await Promise.allSettled([a, b])) {
    if (outcome.status === 'fulfilled') onStarted(outcome.value);
  }
  return Promise.all([a, b]);
}

interface Stoppable {
  stop(): Promise<void>;
}

/** The keys that all hosts are given: what `npx slackwater keys` makes. */
function makeKeys(undo: (() => Promise<unknown>)[]): string {
  const directory = mkdtempSync(join(tmpdir(), 'slackwater-keys-'));
  const remove = (): void => rmSync(directory, { recursive: true, force: true });
  // Also where a second Ctrl-C ends the process at once.
  process.once('exit', remove);
  undo.push(async () => remove());
  const file = join(directory, 'keys.json');
  writeFileSync(file, createKeyFile({ application: 'shop', group: 'main' }), { mode: 0o600 });
  return file;
}

/** On a connection of its own: what slows the database down is not the hosts' to observe. */
async function prepareDatabase(
  connectionString: string,
  undo: (() => Promise<unknown>)[],
): Promise<SlowCommits> {
  const operator = new pg.Pool({ connectionString, max: 1 });
  operator.on('error', () => {});
  undo.push(() => operator.end());
  await createTables(operator);
  return slowCommits(operator, ['payments', 'orders', 'reports']);
}
