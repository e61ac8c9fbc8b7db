import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';

/** Starts as many threads as there are cores; they compute until they are ended. Resolves when all of them do. */
export async function busyNeighbours(): Promise<{ end(): Promise<void> }> {
  const code = "require('node:worker_threads').parentPort.postMessage('begun'); for (;;);";
  const threads = Array.from({ length: availableParallelism() }, () => new Worker(code, { eval: true }));
  await Promise.all(threads.map((thread) => new Promise((begun) => thread.once('message', begun))));
  return {
    async end() {
      await Promise.all(threads.map((thread) => thread.terminate()));
    },
  };
}
