import { join, resolve } from 'node:path';
import { SlackwaterError } from '@slackwater/shared';
import type { Engine, EngineOpenOptions, OpenEngine } from '../engine.ts';
import { checkName } from '../limits.ts';
import { EngineThread } from './engine-thread.ts';
import { closable, headFile } from './head-file.ts';
import { keyFileBytes, keyFilePath, replaceKeyFile } from './key-file.ts';
import { scopeCalls } from './scope-calls.ts';
import { SharedThread } from './shared-thread.ts';
import { sqliteLog } from './sqlite-log.ts';
import { sqliteQueue } from './sqlite-queue.ts';
import { sqliteStore } from './sqlite-store.ts';
import { sqliteWrappedKeys } from './sqlite-wrapped-keys.ts';
import { startSweeping } from './sweeping.ts';

/** What {@link sqliteEngine} takes. */
export interface SqliteEngineOptions {
  /**
   * Where `slackwater.db`, `slackwater-keys.db` and the key files are, on a local disk. Relative to the working directory; made with
   * mode 0700 where it is new.
   */
  readonly directory: string;
  /**
   * How large `slackwater.db` may become, in bytes, from 1 MiB; without it the disk is the bound. Beyond it
   * calls reject with `engine-full`. The write-ahead log beside it (as a rule up to 16 MiB) is not counted.
   */
  readonly maxBytes?: number;
  /**
   * Where the newest signed head of each ledger is noted, so that an older copy of `slackwater.db` is refused. On another
   * disk it also catches an older copy of the whole directory. Relative to the working directory; made where it is new.
   * Default: `directory`.
   */
  readonly headsDirectory?: string;
}

const leastMaxBytes = 1024 * 1024;

/** Apart from `slackwater.db`, so that no backup of that has what an erasure must destroy. */
export const keysFileName = 'slackwater-keys.db';

/** How long a lock of another process is waited for. */
const busyTimeoutMs = 2_000;

/**
 * The embedded engine: one SQLite file on this host, written by a thread of its own. `durable` is `fsync`.
 * Several processes of one host may open the same directory. Throws `option-invalid`, `option-missing` or
 * `option-unknown`.
 */
export function sqliteEngine(options: SqliteEngineOptions): Engine {
  checkOptions(options);
  const directory = resolve(options.directory);
  const file = join(directory, 'slackwater.db');
  const headsDirectory = resolve(options.headsDirectory ?? options.directory);
  const keysFile = join(directory, keysFileName);
  const { maxBytes } = options;
  const shared = new SharedThread((clock) => {
    return new EngineThread({ directory, file, keysFile, maxBytes, busyTimeoutMs }, clock);
  });
  return {
    name: 'sqlite',
    durable: 'fsync',
    open: (openOptions) => openScope(shared, { directory, headsDirectory }, openOptions),
  };
}

async function openScope(
  shared: SharedThread,
  { directory, headsDirectory }: { readonly directory: string; readonly headsDirectory: string },
  { application, group, clock }: EngineOpenOptions,
): Promise<OpenEngine> {
  checkName('application', application);
  checkName('group', group);
  const { thread, release } = shared.take(clock);
  const calls = await thread.call('scope', [application, group]).then(
    ({ value }) => scopeCalls(thread, value, clock),
    async (error: unknown) => {
      await release();
      throw error;
    },
  );
  const stopSweeping = startSweeping(calls, clock);
  const headNote = closable(headFile(headsDirectory, application, group));
  let closed: Promise<void> | undefined;
  return {
    durable: 'fsync',
    log: sqliteLog(calls),
    store: sqliteStore(calls),
    queue: sqliteQueue(calls),
    wrappedKeys: sqliteWrappedKeys(calls),
    localDirectory: directory,
    keyFile: (create) => keyFileBytes(keyFilePath(directory, application, group), create),
    headNote,
    replaceKeyFile: (bytes) => replaceKeyFile(keyFilePath(directory, application, group), bytes),
    close() {
      stopSweeping();
      closed ??= Promise.all([calls.close(), headNote.close()]).then(release);
      return closed;
    },
  };
}

function checkOptions(options: SqliteEngineOptions): void {
  if (typeof options !== 'object' || options === null) {
    throw new SlackwaterError(
      'option-invalid',
      `sqliteEngine(${shown(options)}): give an object, { directory: '.slackwater' }`,
    );
  }
  const { directory, maxBytes, headsDirectory, ...unknown } = options;
  const [name] = Object.keys(unknown);
  if (name !== undefined) {
    throw new SlackwaterError(
      'option-unknown',
      `sqliteEngine knows no option ${name}; it has directory, headsDirectory and maxBytes`,
    );
  }
  if (directory === undefined) {
    throw new SlackwaterError(
      'option-missing',
      "sqliteEngine wants a directory, such as { directory: '.slackwater' }",
    );
  }
  checkDirectory('directory', directory);
  if (headsDirectory !== undefined) checkDirectory('headsDirectory', headsDirectory);
  if (maxBytes !== undefined && !(Number.isSafeInteger(maxBytes) && maxBytes >= leastMaxBytes)) {
    throw new SlackwaterError(
      'option-invalid',
      `maxBytes: ${shown(maxBytes)}; give a number of bytes, at least ${leastMaxBytes}`,
    );
  }
}

function checkDirectory(name: string, value: unknown): void {
  if (typeof value === 'string' && value !== '' && !value.includes('\0')) return;
  throw new SlackwaterError('option-invalid', `${name}: ${shown(value)}; give the path of a directory`);
}

const shown = (value: unknown): string => (typeof value === 'string' ? JSON.stringify(value) : String(value));
