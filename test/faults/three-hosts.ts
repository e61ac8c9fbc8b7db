import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from '@slackwater/test-support/free-port';
import { type NatsCluster, startNatsCluster } from '@slackwater/test-support/nats';
import { type PostgresServer, startPostgres } from '@slackwater/test-support/postgres';
import { type NetworkProxy, startProxy } from '@slackwater/test-support/proxy';
import { type SlowCommits, slowCommits } from '@slackwater/test-support/slow-commits';
import pg from 'pg';
import { createTables } from '../../examples/shop/src/tables.ts';
import { createKeyFile } from '../../packages/middleware/src/ledger/keys.ts';
import { type Host, startHost } from './host.ts';

/** Three hosts of one application on one database, their ledger on a cluster of three servers. */
export interface ThreeHosts {
  readonly cluster: NatsCluster;
  readonly hosts: readonly [Host, Host, Host];
  /** Between the third host and the servers. */
  readonly network: readonly NetworkProxy[];
  readonly keyFile: Uint8Array;
  readonly database: pg.Pool;
  readonly commits: SlowCommits;
  stop(): Promise<void>;
}

/** How long a host may be dead before its items go on, ms; the least that there is. */
export const leaseMs = 1_000;

export async function startThreeHosts(): Promise<ThreeHosts> {
  const folder = mkdtempSync(join(tmpdir(), 'slackwater-faults-'));
  const ends: (() => Promise<unknown>)[] = [];
  async function stop(): Promise<void> {
    for (const end of ends.splice(0).reverse()) await end();
    rmSync(folder, { recursive: true, force: true });
  }
  const started = async <Server>(starting: Promise<Server>, end: (server: Server) => Promise<unknown>) => {
    const server = await starting;
    ends.push(() => end(server));
    return server;
  };
  try {
    const postgres: PostgresServer = await started(startPostgres({ database: 'shop' }), (one) => one.stop());
    const database = new pg.Pool({ connectionString: postgres.connectionString, max: 2 });
    ends.push(() => database.end());
    await createTables(database);
    const commits = await slowCommits(database, ['payments', 'orders']);
    const cluster = await started(startNatsCluster({ advertise: false }), (one) => one.stop());
    const network = await Promise.all(
      cluster.servers.map((server) => started(startProxy(server), (one) => one.stop())),
    );
    const keyFile = createKeyFile({ application: 'shop', group: 'main' });
    const place = { connectionString: postgres.connectionString, keyFile: join(folder, 'keys'), leaseMs };
    writeFileSync(place.keyFile, keyFile);
    const start = async (servers: readonly string[]): Promise<Host> =>
      started(startHost({ ...place, servers, port: await freePort() }), (one) => one.kill());
    const hosts = [
      await start(cluster.servers),
      await start(cluster.servers),
      await start(network.map(({ address }) => address)),
    ] as const;
    return { cluster, hosts, network, keyFile, database, commits, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}
