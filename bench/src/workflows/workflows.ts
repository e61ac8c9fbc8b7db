import { startPostgres } from '@slackwater/test-support/postgres';
import pg from 'pg';
import type { Benchmark, Figure, Run } from '../benchmark.ts';
import { type Child, startChild } from '../child.ts';
import { ratios, spreadOf } from '../statistics.ts';
import { inTurn } from '../turns.ts';
import { atOnce, type RunsArgument, type RunsProcess, type Took } from './runs-process.ts';
import { serverTimes, usedSince } from './server-time.ts';

const ours = 'Slackwater';
const scripts = {
  [ours]: 'slackwater-process.ts',
  'DBOS Transact': 'dbos-process.ts',
  openworkflow: 'openworkflow-process.ts',
} as const;
type Contender = keyof typeof scripts;

const what = `durable operations of 3 stages of 3 tasks that do nothing, ${atOnce} at once`;

/** Operations beside the same in libraries for durable workflows, all of them on one PostgreSQL. */
export const workflows: Benchmark = {
  name: 'workflows',
  title: `${what}: Slackwater, DBOS Transact and openworkflow on one PostgreSQL`,
  packages: ['@dbos-inc/dbos-sdk', 'openworkflow', 'pg', 'postgres'],
  ours,
  async measure(run) {
    run.progress('starting PostgreSQL');
    const server = await startPostgres();
    const operator = new pg.Client({ connectionString: server.connectionString });
    await operator.connect();
    try {
      await tellServer(operator, run);
      const contenders: Contender[] = [ours, 'DBOS Transact', 'openworkflow'];
      const databases = new Map<Contender, string>();
      for (const [n, contender] of contenders.entries()) {
        databases.set(contender, `contender_${n}`);
        await operator.query(`CREATE DATABASE contender_${n}`);
      }
      return await compare(run, contenders, {
        argument(contender) {
          const address = new URL(server.connectionString);
          address.pathname = `/${databases.get(contender)}`;
          return { connectionString: address.href };
        },
        serverTimes: (contender) => serverTimes(operator, databases.get(contender) ?? ''),
      });
    } finally {
      await operator.end();
      await server.stop();
    }
  },
};

/** The same on SQLite, which DBOS Transact has no way to use. */
export const workflowsOnSqlite: Benchmark = {
  name: 'workflows-sqlite',
  title: `${what}: Slackwater and openworkflow, each on a SQLite of its own`,
  packages: ['openworkflow'],
  ours,
  async measure(run) {
    run.tell({ versions: { SQLite: process.versions['sqlite'] ?? '' } });
    return await compare(run, [ours, 'openworkflow'], {
      argument: () => ({}),
      serverTimes: async () => new Map(),
    });
  },
};

interface Ground {
  argument(contender: Contender): RunsArgument;
  /** Processor time of the server's processes so far, ms. */
  serverTimes(contender: Contender): Promise<ReadonlyMap<number, number>>;
}

type Taken = Took & { readonly serverMs: number };

async function compare(
  { quick, progress, tell }: Run,
  contenders: readonly Contender[],
  ground: Ground,
): Promise<readonly Figure[]> {
  const count = quick ? 128 : 256;
  const rounds = quick ? 6 : 10;
  const children = new Map<Contender, Child<RunsProcess>>();
  try {
    for (const contender of contenders) {
      progress(`warming ${contender}`);
      const child = startChild<RunsProcess>(
        new URL(scripts[contender], import.meta.url),
        ground.argument(contender),
      );
      children.set(contender, child);
      tell({ settings: { [contender]: await child.ask('open') } });
      await child.ask('run', count);
    }
    const takes = contenders.map((contender) => {
      const take = async (): Promise<Taken> => {
        const before = await ground.serverTimes(contender);
        const took = await children.get(contender)?.ask('run', count);
        if (took === undefined) throw new Error(`${contender} was not started.`);
        return { ...took, serverMs: usedSince(before, await ground.serverTimes(contender)) / count };
      };
      return [contender, take] as const;
    });
    const taken = await inTurn<Contender, Taken>(
      Object.fromEntries(takes) as Record<Contender, () => Promise<Taken>>,
      rounds,
      (round) => progress(`${count} operations each, round ${round + 1} of ${rounds}`),
    );
    return figuresOf(contenders, taken);
  } finally {
    await Promise.all([...children.values()].map((child) => child.end()));
  }
}

function figuresOf(
  contenders: readonly Contender[],
  taken: Readonly<Record<Contender, readonly Taken[]>>,
): readonly Figure[] {
  const each = contenders.flatMap((who): Figure[] => {
    const of = (value: (one: Taken) => number) => spreadOf(taken[who].map(value));
    return [
      { who, what: 'done', unit: 'per second', better: 'more', value: of(({ perSecond }) => perSecond) },
      { who, what: 'start to end, median', unit: 'ms', better: 'less', value: of(({ p50Ms }) => p50Ms) },
      { who, what: 'start to end, 99th of 100', unit: 'ms', better: 'less', value: of(({ p99Ms }) => p99Ms) },
      {
        ...{ who, what: 'processor time of one, with the server', unit: 'ms', better: 'less' },
        value: of(({ processorMs, serverMs }) => processorMs + serverMs),
      },
    ];
  });
  const perSecond = (who: Contender): readonly number[] => taken[who].map((one) => one.perSecond);
  const beside = contenders
    .filter((who) => who !== ours)
    .map(
      (who): Figure => ({
        what: `operations done by ${ours} / by ${who}`,
        unit: 'ratio',
        value: spreadOf(ratios(perSecond(ours), perSecond(who))),
        target: { atLeast: 1 },
      }),
    );
  return [...each, ...beside];
}

async function tellServer(operator: pg.Client, { tell }: Run): Promise<void> {
  const { rows } = await operator.query<{ name: string; setting: string }>(
    "SELECT name, setting FROM pg_settings WHERE name IN ('server_version', 'fsync', 'synchronous_commit', 'full_page_writes', 'shared_buffers', 'max_connections') ORDER BY name",
  );
  const settings = new Map(rows.map(({ name, setting }) => [name, setting]));
  const version = settings.get('server_version') ?? '';
  settings.delete('server_version');
  tell({
    versions: { PostgreSQL: version },
    settings: { PostgreSQL: [...settings].map(([name, setting]) => `${name} = ${setting}`).join(', ') },
  });
}
