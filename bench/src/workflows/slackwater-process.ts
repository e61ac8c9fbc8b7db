import {
  createKeyFile,
  defineOperation,
  type Engine,
  slackwater,
  sqliteEngine,
  type,
} from '@slackwater/middleware';
import { postgresEngine } from '@slackwater/middleware/postgres-engine';
import pg from 'pg';
import { answerCalls } from '../child.ts';
import { scratchFolder } from '../scratch.ts';
import { connections, type RunsArgument, type RunsProcess, runInParallel } from './runs-process.ts';

const patienceMs = 60_000;
const application = 'bench';

const number = type<number>();
const threeByThree = defineOperation({
  name: 'three by three',
  version: '1',
  tasks: {
    a: { outputs: { a: number }, run: () => ({ a: 1 }) },
    b: { outputs: { b: number }, run: () => ({ b: 1 }) },
    c: { outputs: { c: number }, run: () => ({ c: 1 }) },
    d: { inputs: ['a'], outputs: { d: number }, run: ({ a }) => ({ d: a }) },
    e: { inputs: ['b'], outputs: { e: number }, run: ({ b }) => ({ e: b }) },
    f: { inputs: ['c'], outputs: { f: number }, run: ({ c }) => ({ f: c }) },
    g: { inputs: ['d'], outputs: { g: number }, run: ({ d }) => ({ g: d }) },
    h: { inputs: ['e'], outputs: { h: number }, run: ({ e }) => ({ h: e }) },
    i: { inputs: ['f'], outputs: { i: number }, run: ({ f }) => ({ i: f }) },
  },
});

function engineOn(connectionString: string | undefined): Engine {
  if (connectionString === undefined) return sqliteEngine({ directory: scratchFolder() });
  const pool = new pg.Pool({ connectionString, max: connections });
  const keys = new TextDecoder().decode(createKeyFile({ application, group: 'main' }));
  return postgresEngine({ pool, keys, ensure: true, timeoutMs: patienceMs });
}

answerCalls(async ({ connectionString }: RunsArgument): Promise<RunsProcess> => {
  const gate = slackwater({
    application,
    engine: engineOn(connectionString),
    ledger: { engineTimeoutMs: patienceMs },
  });
  return {
    async open() {
      await gate.start();
      const place =
        connectionString === undefined
          ? 'SQLite in a thread of its own, WAL, synchronous = FULL'
          : `a pool of ${connections} connections`;
      return `${place}; a chain planned in a signed ledger, values encrypted; the beginning and the end of each task are durable before what follows from them`;
    },
    run: (count) =>
      runInParallel(count, async () => {
        const { status } = await (await gate.operations.start(threeByThree, {})).settled;
        if (status !== 'succeeded') throw new Error(`An operation ended as ${status}.`);
      }),
  };
});
