import { setTimeout as sleep } from 'node:timers/promises';
import { startPostgres } from '@slackwater/test-support/postgres';
import { type SlowCommits, slowCommits } from '@slackwater/test-support/slow-commits';
import pg from 'pg';
import type { Run } from '../../benchmark.ts';
import { type Child, startChild } from '../../child.ts';
import { onCores } from '../../cores.ts';
import { fewestSamples } from '../../statistics.ts';
import type { CallerProcess } from './caller-process.ts';
import { type CallerName, callMs } from './callers.ts';
import type { GatedServer } from './gated-server.ts';

const serverScript = new URL('gated-server.ts', import.meta.url);

/** Calls come at this pace for so long, and commits are slow for a part of that: so slow, and so many at a time. */
const everyMs = 40;
const times = { whole: 4_500, slowFrom: 1_000, slowUntil: 3_500 } as const;
const slow = { ms: 250, parallel: 1 } as const;

/** The same in words. */
export const brownOutSetting = `${1_000 / everyMs} calls a second for ${times.whole / 1_000} s; for ${(times.slowUntil - times.slowFrom) / 1_000} s of them a commit takes ${slow.ms} ms, and ${slow.parallel} is worked at at a time. Each client has a server, a gate and a database of its own, and all go through it at the same time`;

/** What one client came to in one brown-out. */
export interface Through {
  /** Of its calls, between 0 and 1. */
  readonly endedWell: number;
  /** Requests over the network for each call that ended well, questions after deferrals included. */
  readonly requestsEach: number;
  /** Of those that ended well; the whole limit of a call where none did. */
  readonly medianMs: number;
  readonly p99Ms: number;
  /** Orders that are in the database twice. */
  readonly repeated: number;
}

interface Place {
  readonly server: Child<GatedServer>;
  readonly client: pg.Client;
  readonly commits: SlowCommits;
}

/** Sends all clients through brown-outs, several times. */
export async function throughBrownOuts(
  { progress }: Run,
  callers: Readonly<Record<CallerName, Child<CallerProcess>>>,
): Promise<Record<CallerName, Through[]>> {
  const names = Object.keys(callers) as CallerName[];
  progress('starting PostgreSQL');
  const postgres = await onCores('server', () => startPostgres({ settings: { max_connections: 200 } }));
  const places = new Map<CallerName, Place>();
  try {
    for (const [n, name] of names.entries())
      places.set(name, await onCores('server', () => placeOn(postgres.connectionString, `orders_${n}`)));
    const all = Object.fromEntries(names.map((name) => [name, [] as Through[]])) as Record<
      CallerName,
      Through[]
    >;
    const rounds = fewestSamples;
    // The first shows each gate how quick its database is.
    for (let round = -1; round < rounds; round++) {
      progress(round < 0 ? 'warming up' : `brown-out ${round + 1} of ${rounds}`);
      const began = Promise.all(
        names.map(async (name) => {
          const through = await goThrough(callers[name], placeOf(places, name), round);
          if (round >= 0) all[name].push(through);
        }),
      );
      if (round >= 0) await brownOut([...places.values()]);
      await began;
    }
    return all;
  } finally {
    await Promise.all([...places.values()].flatMap(({ server, client }) => [server.end(), client.end()]));
    await postgres.stop();
  }
}

function placeOf(places: ReadonlyMap<CallerName, Place>, name: CallerName): Place {
  const place = places.get(name);
  if (place === undefined) throw new Error(`There is no server for ${name}.`);
  return place;
}

async function placeOn(connectionString: string, database: string): Promise<Place> {
  const owner = new pg.Client({ connectionString });
  await owner.connect();
  await owner.query(`CREATE DATABASE ${database}`);
  await owner.end();
  const url = new URL(connectionString);
  url.pathname = database;
  const client = new pg.Client({ connectionString: url.href });
  client.on('error', () => {});
  await client.connect();
  await client.query('CREATE TABLE orders (id bigserial PRIMARY KEY, call bigint NOT NULL)');
  const commits = await slowCommits(client, ['orders']);
  return { server: startChild<GatedServer>(serverScript, url.href), client, commits };
}

async function brownOut(places: readonly Place[]): Promise<void> {
  await sleep(times.slowFrom);
  await Promise.all(places.map(({ commits }) => commits.set(slow.ms, slow.parallel)));
  await sleep(times.slowUntil - times.slowFrom);
  await Promise.all(places.map(({ commits }) => commits.set(0)));
}

async function goThrough(
  caller: Child<CallerProcess>,
  { server, client }: Place,
  round: number,
): Promise<Through> {
  const url = await server.ask('url');
  await server.ask('requests');
  const first = (round + 1) * 1_000_000;
  const forMs = round < 0 ? times.slowFrom : times.whole;
  const { calls, well, tookMs } = await caller.ask('atPace', url, first, everyMs, forMs);
  const sorted = tookMs.toSorted((a, b) => a - b);
  const { rows } = await client.query(
    'SELECT count(*) - count(DISTINCT call) AS repeated FROM orders WHERE call >= $1',
    [first],
  );
  return {
    endedWell: well / calls,
    requestsEach: (await server.ask('requests')) / Math.max(1, well),
    medianMs: sorted[Math.floor(sorted.length / 2)] ?? callMs.whole,
    p99Ms: sorted[Math.ceil(sorted.length * 0.99) - 1] ?? callMs.whole,
    repeated: Number(rows[0]?.repeated),
  };
}
