import { setTimeout as sleep } from 'node:timers/promises';
import type { PostgresServer } from '@slackwater/test-support/postgres';
import { slowCommits } from '@slackwater/test-support/slow-commits';
import pg from 'pg';
import { startChild } from '../child.ts';
import type { CallersProcess, CallersSetup, Seen } from './callers-process.ts';
import { type Effects, effectsOf } from './effects.ts';
import { type Contender, healthyMs, type Phases, parallelism, slowdown } from './scenario.ts';
import type { ServerProcess, ServerSetup } from './server-process.ts';

const serverScript = new URL('server-process.ts', import.meta.url);
const callersScript = new URL('callers-process.ts', import.meta.url);

/** What became of everything under one contender. */
export interface Round extends Seen {
  readonly contender: Contender;
  readonly effects: Effects;
}

/** After the last call has ended: what nobody waits for any more is still done. */
const settleMs = 1_000;

/** Takes one contender through the three phases, on a table of its own making. */
export async function takeRound(
  postgres: PostgresServer,
  contender: Contender,
  phases: Phases,
  progress: (text: string) => void,
): Promise<Round> {
  const { connectionString } = postgres;
  const database = new pg.Client({ connectionString });
  await database.connect();
  try {
    await database.query('DROP TABLE IF EXISTS effects, slackwater_completions');
    await database.query('CREATE TABLE effects (id bigserial PRIMARY KEY, call text, work_type text)');
    const slow = await slowCommits(database, ['effects']);
    await slow.set(healthyMs, parallelism);
    const server = startChild<ServerProcess>(
      serverScript,
      { contender, connectionString } satisfies ServerSetup,
      0,
    );
    try {
      const url = await server.ask('url');
      const callers = startChild<CallersProcess>(
        ...([callersScript, { contender, url, phases } satisfies CallersSetup, 1] as const),
      );
      try {
        progress(`${contender}: warming up`);
        await callers.ask('warmUp');
        const seen = callers.ask('call');
        await Promise.race([seen, pass(phases, slow, (text) => progress(`${contender}: ${text}`))]);
        const { calls, sent } = await seen;
        await sleep(settleMs);
        return { contender, calls, sent, effects: await effectsOf(database, calls) };
      } finally {
        await callers.end();
      }
    } finally {
      await server.end();
    }
  } finally {
    await database.end();
  }
}

/** Makes commits slow and quick again as time goes by. */
async function pass(
  phases: Phases,
  slow: Awaited<ReturnType<typeof slowCommits>>,
  progress: (text: string) => void,
): Promise<void> {
  for (const [what, forMs, times] of [
    ['healthy', phases.healthyMs, 1],
    ['slow', phases.slowMs, slowdown],
    ['after', phases.afterMs, 1],
  ] as const) {
    await slow.set(healthyMs * times, parallelism);
    progress(`${what}, ${Math.round(forMs / 1_000)} s`);
    await sleep(forMs);
  }
  progress('the last calls');
}
