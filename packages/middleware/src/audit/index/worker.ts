import { parentPort, workerData } from 'node:worker_threads';
import { indexTables } from './index-tables.ts';
import type { FromIndexThread, IndexThreadOptions, ToIndexThread } from './protocol.ts';

/**
 * The index's thread: it alone touches the file. Nothing here imports another package, so that it also runs straight from the
 * sources.
 */
function main(): void {
  const port = parentPort;
  if (port === null) throw new Error('to be started as a worker thread');
  const options: IndexThreadOptions = workerData;
  const tables = indexTables(options);
  const post = (message: FromIndexThread): void => port.postMessage(message);
  port.on('message', (message: ToIndexThread) => {
    if (message.kind === 'close') {
      tables.close();
      port.close();
      return;
    }
    const { number, name, args } = message;
    try {
      post({ number, value: tables.perform(name, args) });
    } catch (error) {
      post({ number, failure: error instanceof Error ? error.message : String(error) });
    }
  });
}

main();
