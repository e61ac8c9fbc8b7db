import { parentPort, workerData } from 'node:worker_threads';
import { systemClock } from '../../clock.ts';
import { BytePacker, ByteUnpacker } from './byte-packing.ts';
import { type DatabaseFile, openDatabaseFile } from './database-file.ts';
import { describeFailure, isBusy } from './failures.ts';
import { type Answer, GroupCommit } from './group-commit.ts';
import type { FromThread, PackedAnswer, PackedCall, ThreadOptions, ToThread } from './protocol.ts';
import type { Call } from './scope-tables.ts';

/**
 * The engine's thread: it alone touches the file. Nothing here imports another package, so that it also runs
 * straight from the sources.
 */
function main(): void {
  const port = parentPort;
  if (port === null) throw new Error('to be started as a worker thread');
  const options: ThreadOptions = workerData;
  const post = (message: FromThread, transfer: ArrayBuffer[] = []): void =>
    port.postMessage(message, transfer);

  let opened: DatabaseFile;
  try {
    opened = openPatiently(options);
  } catch (error) {
    post({ kind: 'refused', failure: describeFailure(error, options.file) });
    return;
  }
  const commits = new GroupCommit(opened, options.file, options.busyTimeoutMs, systemClock);
  const answer = (answers: readonly Answer[]): void => {
    const packer = new BytePacker();
    const packed = JSON.stringify(answers.map((each) => packAnswer(each, packer)));
    const bytes = packer.take();
    post({ kind: 'answers', answers: packed, bytes }, [bytes]);
  };
  port.on('message', (message: ToThread) => {
    if (message.kind === 'calls') {
      commits.perform(unpackCalls(message.calls, message.bytes), answer);
    } else {
      opened.database.close();
      port.close();
    }
  });
  post({ kind: 'opened', identity: opened.identity });
}

function openPatiently(options: ThreadOptions): DatabaseFile {
  const deadline = systemClock.now() + options.busyTimeoutMs;
  while (true) {
    try {
      return openDatabaseFile(options);
    } catch (error) {
      if (!isBusy(error) || systemClock.now() >= deadline) throw error;
    }
  }
}

function unpackCalls(text: string, bytes: ArrayBuffer): Call[] {
  const unpacker = new ByteUnpacker(bytes);
  const packed: PackedCall[] = JSON.parse(text);
  return packed.map(([name, args, lengths]) => ({ name, args, blobs: unpacker.views(lengths) }));
}

function packAnswer(answer: Answer, packer: BytePacker): PackedAnswer {
  if (answer.kind === 'failure') return [null, [], answer.failure];
  return [answer.reply.value, packer.add(answer.reply.blobs ?? [])];
}

main();
