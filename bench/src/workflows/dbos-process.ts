import { DBOS } from '@dbos-inc/dbos-sdk';
import { answerCalls } from '../child.ts';
import { connections, type RunsArgument, type RunsProcess, runInParallel } from './runs-process.ts';

/** Steps that do not wait for each other, as its guide has them: begun in a fixed order, all of them awaited. */
async function sideBySide(steps: Readonly<Record<string, number>>): Promise<readonly number[]> {
  const ends = await Promise.allSettled(
    Object.entries(steps).map(([name, value]) => DBOS.runStep(async () => value, { name })),
  );
  return ends.map((end) => {
    if (end.status === 'rejected') throw end.reason;
    return end.value;
  });
}

const threeByThree = DBOS.registerWorkflow(
  async () => {
    const [a = 0, b = 0, c = 0] = await sideBySide({ a: 1, b: 1, c: 1 });
    const [d = 0, e = 0, f = 0] = await sideBySide({ d: a, e: b, f: c });
    return sideBySide({ g: d, h: e, i: f });
  },
  { name: 'three by three' },
);

answerCalls(async ({ connectionString = '' }: RunsArgument): Promise<RunsProcess> => {
  DBOS.setConfig({
    name: 'bench',
    systemDatabaseUrl: connectionString,
    systemDatabasePoolSize: connections,
    logLevel: 'error',
  });
  return {
    async open() {
      await DBOS.launch();
      return `a pool of ${connections} connections; a workflow that is called directly, steps side by side by Promise.allSettled; the end of each step is durable before what follows from it`;
    },
    run: (count) =>
      runInParallel(count, async () => {
        await threeByThree();
      }),
  };
});
