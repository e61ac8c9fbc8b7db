import { type PostgresServer, startPostgres } from '@slackwater/test-support/postgres';
import pg from 'pg';
import type { Benchmark } from '../benchmark.ts';
import { pinning } from '../pinned.ts';
import { figuresOf } from './figures.ts';
import { dataOf, picturesOf } from './pictures.ts';
import { type Round, takeRound } from './round.ts';
import { contenders, quickPhases, wholePhases } from './scenario.ts';
import { settings } from './settings.ts';

/** A database that is slow for a while, and who carries an application through it. */
export const brownout: Benchmark = {
  name: 'brownout',
  title:
    'a PostgreSQL whose commits take 20 times as long for a while, and who carries an application through it',
  packages: ['express', 'overload-protection', 'opossum', 'express-rate-limit', 'pg', 'axios', 'axios-retry'],
  ours: 'Slackwater',
  bars: [],
  async measure({ quick, progress, tell }) {
    progress('starting PostgreSQL');
    const postgres = await startPostgres();
    const phases = quick ? quickPhases : wholePhases;
    try {
      const rounds: Round[] = [];
      for (const [at, contender] of contenders.entries()) {
        const say = (text: string): void => progress(`${at + 1} of ${contenders.length}, ${text}`);
        rounds.push(await takeRound(postgres, contender, phases, say));
      }
      tell({
        settings: { ...settings, processes: pinning() },
        versions: { PostgreSQL: await versionOf(postgres) },
        pictures: picturesOf(rounds, phases),
        data: dataOf(rounds, phases),
      });
      return rounds.flatMap((round) => figuresOf(round, phases));
    } finally {
      await postgres.stop();
    }
  },
};

async function versionOf({ connectionString }: PostgresServer): Promise<string> {
  const client = new pg.Client({ connectionString });
  await client.connect();
  try {
    const { rows } = await client.query<{ server_version: string }>('SHOW server_version');
    return rows[0]?.server_version ?? 'unknown';
  } finally {
    await client.end();
  }
}
