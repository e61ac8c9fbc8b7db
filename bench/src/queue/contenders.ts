import { type PostgresServer, startPostgres } from '@slackwater/test-support/postgres';
import pg from 'pg';
import { type Child, startChild } from '../child.ts';
import { coresAreKept, onCores } from '../cores.ts';
import { scratchFolder } from '../scratch.ts';
import type { QueueProcess } from './contender.ts';
import type { DeferralPlace, EnginePlace, PostgresPlace, RedisPlace } from './place.ts';
import { type Redis, startRedis } from './redis.ts';

/** Where a contender keeps its jobs, and when it calls them durable. */
export const contenders = {
  'Slackwater, embedded': 'SQLite, fsync of its log before the answer',
  'Slackwater, PostgreSQL': 'PostgreSQL, fsync of its log before the answer',
  'Slackwater, whole deferrals': 'the embedded engine; encrypted, in the signed log, performed as a request',
  'pg-boss': 'PostgreSQL, fsync of its log before the answer',
  'graphile-worker': 'PostgreSQL, fsync of its log before the answer',
  BullMQ: 'Redis, fsync of its append-only file before the answer',
} as const;

export type ContenderName = keyof typeof contenders;

/** How many connections the peers' pools have: as many jobs may be made durable by one fsync. Ours needs fewer. */
const peersConnections = 50;
const ourConnections = 10;

/** How everything is set, in words. */
export const settings = {
  cores: coresAreKept()
    ? 'PostgreSQL and Redis on the first core, whoever uses them on the other; the embedded engine, which has no server, on both'
    : 'nobody is kept to a core',
  PostgreSQL: 'fsync and synchronous_commit on, shared_buffers 256 MB',
  Redis: 'appendonly yes, appendfsync always, no snapshots, maxmemory-policy noeviction',
  job: 'the 250 bytes of an order; of ours it is a value in the store and an item on the queue, one after the other',
  'Slackwater, PostgreSQL': `a pool of ${ourConnections}; four that claim 100 items at a time`,
  'Slackwater, embedded': 'four that claim 100 items at a time',
  'Slackwater, whole deferrals':
    'acceptances without HTTP; performed by a route that only answers, up to 64 at once, its database asked for completion rows',
  'pg-boss': `a pool of ${peersConnections}; send, insert; work with batchSize 500, localConcurrency 2, burstWhenBatchFull`,
  'graphile-worker': `a pool of ${peersConnections}; addJob, addJobs; concurrentJobs 24, localQueue of 500, completeJobBatchDelay 0, as its page on performance has it`,
  BullMQ: 'ioredis; add, addBulk; concurrency 200, removeOnComplete',
};

/** All contenders, and the servers that they use. */
export interface Arena {
  readonly children: Readonly<Record<ContenderName, Child<QueueProcess>>>;
  /** Of the servers. */
  readonly versions: Readonly<Record<string, string>>;
  end(): Promise<void>;
}

/** Starts servers and contenders. Rejects with one sentence where a server can't be had. */
export async function startArena(progress: (text: string) => void): Promise<Arena> {
  progress('starting Redis');
  const redis = await onCores('server', startRedis);
  let postgres: PostgresServer | undefined;
  try {
    progress('starting PostgreSQL');
    postgres = await onCores('server', () =>
      startPostgres({ settings: { shared_buffers: '256MB', max_connections: 250 } }),
    );
    const versions = { PostgreSQL: await versionOf(postgres), Redis: redis.version };
    const children = await startAll(redis, postgres);
    return { children, versions, end: () => endAll(children, postgres, redis) };
  } catch (error) {
    await postgres?.stop();
    await redis.stop();
    throw error;
  }
}

async function endAll(
  children: Arena['children'],
  postgres: PostgresServer | undefined,
  redis: Redis,
): Promise<void> {
  await Promise.all(Object.values(children).map((child) => child.end()));
  await postgres?.stop();
  await redis.stop();
}

async function versionOf({ connectionString }: PostgresServer): Promise<string> {
  const client = new pg.Client({ connectionString });
  await client.connect();
  const { rows } = await client.query('SHOW server_version');
  await client.end();
  return String(rows[0]?.server_version);
}

async function startAll({ port }: Redis, { connectionString }: PostgresServer): Promise<Arena['children']> {
  const pooled = (connections: number): PostgresPlace => ({ connectionString, connections });
  const embedded = (): EnginePlace => ({ directory: scratchFolder() });
  const start = (
    file: string,
    place: EnginePlace | RedisPlace | DeferralPlace,
  ): Promise<Child<QueueProcess>> =>
    onCores('directory' in place ? 'all' : 'load', () =>
      startChild<QueueProcess>(new URL(file, import.meta.url), place),
    );
  return {
    'Slackwater, embedded': await start('engine-process.ts', embedded()),
    'Slackwater, PostgreSQL': await start('engine-process.ts', pooled(ourConnections)),
    'Slackwater, whole deferrals': await start('deferral-process.ts', {
      directory: scratchFolder(),
      connectionString,
    }),
    'pg-boss': await start('pg-boss-process.ts', pooled(peersConnections)),
    'graphile-worker': await start('graphile-worker-process.ts', pooled(peersConnections)),
    BullMQ: await start('bullmq-process.ts', { port }),
  };
}
