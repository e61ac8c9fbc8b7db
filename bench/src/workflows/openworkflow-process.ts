import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { OpenWorkflow } from 'openworkflow';
import type { Backend } from 'openworkflow/internal';
import { BackendPostgres } from 'openworkflow/postgres';
import { BackendSqlite } from 'openworkflow/sqlite';
import { answerCalls } from '../child.ts';
import { scratchFolder } from '../scratch.ts';
import { atOnce, connections, type RunsArgument, type RunsProcess, runInParallel } from './runs-process.ts';

/** The runs that have ended, told when that is written: its own callers ask for it once a second. */
class Ends {
  readonly #ended = new Set<string>();
  readonly #waiting = new Map<string, () => void>();

  tell(id: string): void {
    const waiting = this.#waiting.get(id);
    this.#waiting.delete(id);
    if (waiting === undefined) this.#ended.add(id);
    else waiting();
  }

  async of(id: string): Promise<void> {
    if (this.#ended.delete(id)) return;
    await new Promise<void>((resolve) => this.#waiting.set(id, resolve));
  }
}

const way = `a worker with ${atOnce} places, steps side by side by Promise.all; the beginning and the end of each step are durable. Its runs are told to have ended by the write that ends them, where its own callers would ask once a second`;

/** How its SQLite is set: it sets the journal, and leaves the rest as a new connection has it. */
function sqliteSettings(file: string): string {
  const database = new DatabaseSync(file);
  const { journal_mode: journal } = { ...database.prepare('PRAGMA journal_mode').get() };
  const { synchronous } = { ...database.prepare('PRAGMA synchronous').get() };
  database.close();
  return `SQLite in its process, ${String(journal).toUpperCase()}, synchronous = ${synchronous === 2 ? 'FULL' : synchronous}`;
}

answerCalls(async ({ connectionString }: RunsArgument): Promise<RunsProcess> => {
  const file = connectionString === undefined ? join(scratchFolder(), 'openworkflow.db') : '';
  const backend: Backend =
    connectionString === undefined
      ? BackendSqlite.connect(file)
      : await BackendPostgres.connect(connectionString);
  const ends = new Ends();
  const complete = backend.completeWorkflowRun.bind(backend);
  backend.completeWorkflowRun = async (params) => {
    const run = await complete(params);
    ends.tell(run.id);
    return run;
  };
  const ow = new OpenWorkflow({ backend });
  const threeByThree = ow.defineWorkflow({ name: 'three by three' }, async ({ step }) => {
    const task = (name: string, value: number): Promise<number> => step.run({ name }, async () => value);
    const [a, b, c] = await Promise.all([task('a', 1), task('b', 1), task('c', 1)]);
    const [d, e, f] = await Promise.all([task('d', a), task('e', b), task('f', c)]);
    return Promise.all([task('g', d), task('h', e), task('i', f)]);
  });
  return {
    async open() {
      // The client of PostgreSQL that it makes has ten connections unless its address says otherwise.
      const place =
        connectionString === undefined ? sqliteSettings(file) : `a pool of ${connections} connections`;
      return `${place}; ${way}`;
    },
    async run(count) {
      const worker = ow.newWorker({ concurrency: atOnce });
      await worker.start();
      const took = await runInParallel(count, async () => {
        const { workflowRun } = await threeByThree.run();
        await ends.of(workflowRun.id);
      });
      await worker.stop();
      return took;
    },
  };
});
