/**
 * `npm start`: the address book as it is and with Slackwater, side by side. Each has a database of its own, whose commits
 * become slow for a while. Ends by itself, or with Ctrl-C.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { startPostgres } from '@slackwater/test-support/postgres';
import { runToEnd } from '@slackwater/test-support/run-to-end';
import { slowCommits } from '@slackwater/test-support/slow-commits';
import pg from 'pg';
import { callers, type Tally } from './callers.ts';
import { serve } from './serve.ts';
import { copyWithSlackwater, withoutSlackwater } from './with-slackwater.ts';

const stretches = [
  { said: 'quick', seconds: 4, commitMs: 0 },
  { said: 'slow', seconds: 8, commitMs: 500 },
  { said: 'healed', seconds: 6, commitMs: 0 },
];

/** The address book of a folder, its database and its callers. */
interface Side {
  take(): Tally;
  setCommitMs(ms: number): Promise<void>;
  stop(): Promise<void>;
}

async function open(folder: string): Promise<Side> {
  const server = await startPostgres();
  const book = await serve(folder, server.connectionString);
  const pool = new pg.Pool({ connectionString: server.connectionString, max: 2 });
  const slow = await slowCommits(pool, ['contacts']);
  const load = callers(book.contacts);
  return {
    take: () => load.take(),
    // Two at a time, as a disk has it: what does not fit waits.
    setCommitMs: (ms) => slow.set(ms, 2),
    async stop() {
      load.stop();
      await book.stop();
      await pool.end();
      await server.stop();
    },
  };
}

function line(second: number, said: string, tallies: readonly Tally[]): string {
  const cells = tallies.map(
    ({ answered, told, waiting, slowestMs }) =>
      `${String(answered).padStart(5)} ${String(told).padStart(5)} ${String(waiting).padStart(7)} ${slowestMs.toFixed(0).padStart(7)} ms`,
  );
  return `${String(second).padStart(3)} s  ${said.padEnd(7)} |${cells.join(' |')}\n`;
}

async function play(signal: AbortSignal): Promise<number> {
  process.stdout.write(`Fifty contacts are made a second, and the list of them is read ten times a second.

                |      as it is                |      with Slackwater
       database | done retry waiting   slowest | done retry waiting   slowest
`);
  const copy = copyWithSlackwater();
  const sides: Side[] = [];
  try {
    sides.push(await open(withoutSlackwater), await open(copy.folder));
    let second = 0;
    for (const { said, seconds, commitMs } of stretches) {
      for (const side of sides) await side.setCommitMs(commitMs);
      for (const end = second + seconds; second < end; ) {
        await sleep(1_000, undefined, { signal });
        const tallies = sides.map((side) => side.take());
        process.stdout.write(line(++second, said, tallies));
      }
    }
    return 0;
  } finally {
    await Promise.all(sides.map((side) => side.stop()));
    copy.remove();
  }
}

await runToEnd(play);
