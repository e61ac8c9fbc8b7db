import { once } from 'node:events';
import { DatabaseSync } from 'node:sqlite';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';

/** Another connection to a database file, in a thread of its own, that holds a lock. */
export interface LockHolder {
  /** Lets the lock go so many ms from now, whatever this thread does until then. */
  releaseAfter(ms: number): void;
  /** Resolves when the connection is closed. */
  readonly released: Promise<unknown>;
}

/** What is locked: `write` keeps other writers out, `read` the COMMIT of a writer that uses a rollback journal. */
type Lock = 'write' | 'read';

/** Resolves when the lock is held. */
export async function holdLock(file: string, lock: Lock): Promise<LockHolder> {
  const waitMs = new Int32Array(new SharedArrayBuffer(4));
  const worker = new Worker(new URL(import.meta.url), { workerData: { file, lock, waitMs } });
  const released = once(worker, 'exit');
  await once(worker, 'message');
  return {
    releaseAfter(ms) {
      Atomics.store(waitMs, 0, ms);
      Atomics.notify(waitMs, 0);
    },
    released,
  };
}

if (!isMainThread && isOurs(workerData)) {
  const { file, lock, waitMs } = workerData;
  const database = new DatabaseSync(file);
  database.exec(lock === 'write' ? 'BEGIN IMMEDIATE' : 'BEGIN; SELECT count(*) FROM t');
  parentPort?.postMessage('held');
  Atomics.wait(waitMs, 0, 0);
  Atomics.wait(waitMs, 0, Atomics.load(waitMs, 0), Atomics.load(waitMs, 0));
  database.exec('ROLLBACK');
  database.close();
}

/** Tests may themselves run in a thread. */
function isOurs(data: unknown): data is { file: string; lock: Lock; waitMs: Int32Array } {
  return typeof data === 'object' && data !== null && 'waitMs' in data;
}
