import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { balance } from '@slackwater/example-cluster/load-balancer';
import { listen } from '@slackwater/example-shop/listen';
import { type PostgresServer, startPostgres } from '@slackwater/test-support/postgres';
import { type SlowCommits, slowCommits } from '@slackwater/test-support/slow-commits';
import pg from 'pg';
import { type ProcessorSimulator, startProcessor } from '../processor/processor.ts';
import { type HostProcess, startHost } from './host-process.ts';

/** Everything that the service runs on: four databases, a processor, hosts, and a load balancer before each of their interfaces. */
export interface Stage {
  readonly server: PostgresServer;
  readonly connectionStrings: readonly string[];
  readonly processor: ProcessorSimulator;
  /** Where the company's systems find the service. */
  readonly internal: string;
  /** Makes the commits of one partition slow. */
  readonly slow: readonly SlowCommits[];
  killHost(at: number): Promise<void>;
  startHost(at: number): Promise<void>;
  close(): Promise<void>;
}

const partitions = 4;
const hosts = 3;
const leaseMs = 2_000;
const batchEveryMs = 300;

/** Sets it up; what was begun is ended again where that fails. */
export async function openStage(): Promise<Stage> {
  const undo: (() => unknown)[] = [];
  const close = async (): Promise<void> => {
    for (let step = undo.pop(); step !== undefined; step = undo.pop()) await step();
  };
  try {
    const directory = mkdtempSync(join(tmpdir(), 'slackwater-payments-'));
    const remove = (): void => rmSync(directory, { recursive: true, force: true });
    // Also where a second Ctrl-C ends the process at once.
    process.once('exit', remove);
    undo.push(remove);
    const server = await startPostgres({ settings: { max_connections: 150 } });
    undo.push(() => server.stop());
    const connectionStrings = await makeDatabases(server);

    const running: (HostProcess | undefined)[] = [];
    const on = (side: 'internal' | 'external') => (): string[] =>
      running.flatMap((host) => (host === undefined ? [] : [host[side]]));
    const internal = await listen(balance(on('internal')), 0);
    undo.push(() => internal.close());
    const external = await listen(balance(on('external')), 0);
    undo.push(() => external.close());
    const processor = await startProcessor(() => external.address);
    undo.push(() => processor.close());

    const args = [
      ...connectionStrings.flatMap((text) => ['--database', text]),
      ...['--processor', processor.address, '--ledger', join(directory, 'ledger')],
      ...['--lease-ms', String(leaseMs), '--batch-every-ms', String(batchEveryMs)],
    ];
    undo.push(() => Promise.all(running.map((host) => host?.stop())));
    // The first makes tables and keys; the others find them.
    for (let at = 0; at < hosts; at++) running[at] = await startHost(args);

    const slow: SlowCommits[] = [];
    for (const connectionString of connectionStrings) {
      const operator = new pg.Pool({ connectionString, max: 1 });
      operator.on('error', () => {});
      undo.push(() => operator.end());
      slow.push(await slowCommits(operator, ['transactions', 'work_queue']));
    }
    return {
      server,
      connectionStrings,
      processor,
      internal: internal.address,
      slow,
      async killHost(at) {
        const host = running[at];
        running[at] = undefined;
        await host?.kill();
      },
      async startHost(at) {
        running[at] = await startHost(args);
      },
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

async function makeDatabases(server: PostgresServer): Promise<readonly string[]> {
  const client = new pg.Client({ connectionString: server.connectionString });
  await client.connect();
  const names = Array.from({ length: partitions }, (_, at) => `payments_${at}`);
  for (const name of names) await client.query(`CREATE DATABASE ${name}`);
  await client.end();
  return names.map((name) => server.connectionString.replace(/\/[^/]*$/, `/${name}`));
}
