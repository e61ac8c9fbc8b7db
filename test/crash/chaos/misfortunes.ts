import { setTimeout as sleep } from 'node:timers/promises';
import type { PostgresServer } from '@slackwater/test-support/postgres';
import type { NetworkProxy } from '@slackwater/test-support/proxy';
import type pg from 'pg';
import type { Random } from '../random.ts';
import type { KeptHost } from './hosts.ts';

/** What things happen to. */
export interface Victims {
  readonly hosts: readonly KeptHost[];
  readonly postgres: PostgresServer;
  /** Between hosts and database. */
  readonly proxy: NetworkProxy;
  /** Not through the proxy. */
  readonly operator: pg.Pool;
  readonly random: Random;
}

const pauseMs = { least: 200, most: 2_500 } as const;
const networkMs = { least: 100, most: 1_500 } as const;

/** What may happen; each resolves when it is over, or when it has been done to whoever it is done to. */
export const misfortunes = {
  'host killed': async ({ hosts, random }: Victims) => pick(hosts, random).kill(),
  'all hosts killed': async ({ hosts }: Victims) => {
    await Promise.all(hosts.map((host) => host.kill()));
  },
  // Longer than its lease, sometimes: others perform what it still believes to have.
  'host stopped for a while': ({ hosts, random }: Victims) =>
    pick(hosts, random).pauseFor(random.between(pauseMs.least, pauseMs.most)),
  'database restarted at once': ({ postgres }: Victims) => postgres.restart('immediate'),
  'backends terminated': async ({ operator }: Victims) => {
    await operator.query(
      `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
       WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()`,
    );
  },
  'connections reset': async ({ proxy }: Victims) => proxy.drop(),
  'network cut': async ({ proxy, random }: Victims) => {
    await proxy.cut();
    await sleep(random.between(networkMs.least, networkMs.most));
    await proxy.heal();
  },
  // What was sent arrives and is done; the answers are lost, for nobody hears of it.
  'answers lost, half open': async ({ proxy, random }: Victims) => {
    proxy.stall('answers');
    await sleep(random.between(networkMs.least, networkMs.most));
    await proxy.cut();
    await proxy.heal();
  },
  // Nothing arrives, and the server keeps what was begun open.
  'requests lost, half open': async ({ proxy, random }: Victims) => {
    proxy.stall('requests');
    await sleep(random.between(networkMs.least, networkMs.most));
    await proxy.cut();
    await proxy.heal();
  },
  'nothing delivered for a while': async ({ proxy, random }: Victims) => {
    proxy.stall();
    await sleep(random.between(networkMs.least, networkMs.most));
    await proxy.heal();
  },
} as const satisfies Record<string, (victims: Victims) => Promise<void>>;

/** The name of something that may happen. */
export type Misfortune = keyof typeof misfortunes;

/** Each kind once, in an order of chance, and then again. */
export function* inAnyOrder(random: Random): Generator<Misfortune, never> {
  for (;;) {
    const left = Object.keys(misfortunes) as Misfortune[];
    while (left.length > 0) {
      const [next] = left.splice(Math.floor(random.between(0, left.length)), 1);
      if (next !== undefined) yield next;
    }
  }
}

function pick<One>(from: readonly One[], random: Random): One {
  const one = from[Math.floor(random.between(0, from.length))];
  if (one === undefined) throw new Error('There is nobody to pick.');
  return one;
}
