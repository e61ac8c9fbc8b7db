import { defineOperation, external, type Gate, slackwater, sqliteEngine, type } from '@slackwater/middleware';
import { planStages } from '../../../packages/middleware/dist/operations/plan.js';
import { answerCalls } from '../child.ts';
import { scratchFolder } from '../scratch.ts';

/** How long operations took that were run 64 at once. */
export interface RunsTook {
  readonly perSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

/** Plans operations, and runs them on the embedded engine. */
export interface OperationsProcess {
  /** Milliseconds that planning so many tasks takes, with four dependencies each. */
  plan(tasks: number): Promise<number>;
  /** Opens the ledger. Resolves with what it is. */
  open(): Promise<string>;
  /** Runs so many operations, 64 at once. */
  run(operations: number): Promise<RunsTook>;
  /** Starts so many operations that wait for an input that does not come. */
  fill(operations: number): Promise<void>;
}

const atOnce = 64;
const patienceMs = 60_000;
let gate: Gate | undefined;

const number = type<number>();
const one = defineOperation({
  name: 'three by three',
  version: '1',
  tasks: {
    a: { outputs: { a: number }, run: () => ({ a: 1 }) },
    b: { outputs: { b: number }, run: () => ({ b: 1 }) },
    c: { outputs: { c: number }, run: () => ({ c: 1 }) },
    d: { inputs: ['a'], outputs: { d: number }, run: () => ({ d: 1 }) },
    e: { inputs: ['b'], outputs: { e: number }, run: () => ({ e: 1 }) },
    f: { inputs: ['c'], outputs: { f: number }, run: () => ({ f: 1 }) },
    g: { inputs: ['d'], run: () => ({}) },
    h: { inputs: ['e'], run: () => ({}) },
    i: { inputs: ['f'], run: () => ({}) },
  },
});
const waiting = defineOperation({
  name: 'waits',
  version: '1',
  tasks: { a: { inputs: [external('never', number)], run: () => ({}) } },
});

function opened(): Gate {
  gate ??= slackwater({
    application: 'bench',
    engine: sqliteEngine({ directory: scratchFolder() }),
    ledger: { engineTimeoutMs: patienceMs },
  });
  return gate;
}

async function inParallel(count: number, work: () => Promise<void>): Promise<void> {
  let left = count;
  const worker = async (): Promise<void> => {
    while (left-- > 0) await work();
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
}

answerCalls(
  async (): Promise<OperationsProcess> => ({
    async plan(count) {
      const tasks = Array.from({ length: count }, (_, i) => ({
        id: `task ${i}`,
        inputs: [1, 2, 7, 31].flatMap((back) => (i >= back ? [`label ${i - back * Math.ceil(i / 40)}`] : [])),
        outputs: [`label ${i}`],
        after: [],
      })).map((task) => ({ ...task, inputs: task.inputs.filter((label) => !label.includes('-')) }));
      const began = performance.now();
      planStages('bench', tasks);
      return performance.now() - began;
    },
    async open() {
      await opened().start();
      return 'SQLite with fsync, in the same process';
    },
    async run(count) {
      const took: number[] = [];
      const began = performance.now();
      await inParallel(count, async () => {
        const at = performance.now();
        await (await opened().operations.start(one, {})).settled;
        took.push(performance.now() - at);
      });
      const seconds = (performance.now() - began) / 1_000;
      took.sort((a, b) => a - b);
      const at = (share: number): number =>
        took[Math.min(took.length - 1, Math.floor(took.length * share))] ?? 0;
      return { perSecond: count / seconds, p50Ms: at(0.5), p99Ms: at(0.99) };
    },
    async fill(count) {
      await inParallel(count, async () => {
        await opened().operations.start(waiting, {});
      });
    },
  }),
);
