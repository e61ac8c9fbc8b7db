import type { EngineErrorCode } from '../engine-error.ts';
import type { Failure } from './protocol.ts';

/** Primary result codes of SQLite, https://www.sqlite.org/rescode.html. */
const busy = 5;
const locked = 6;
const outOfMemory = 7;
const readOnly = 8;
const ioError = 10;
const corrupt = 11;
const full = 13;
const cannotOpen = 14;
const notADatabase = 26;

/** The shared-memory file beside the log could not be made longer: in practice, a full disk. */
const ioErrorSharedMemorySize = 4874;

/** A failure that the engine itself found; everything else that is thrown comes from SQLite or the system. */
export class EngineFailure extends Error {
  readonly failure: Failure;

  constructor(code: EngineErrorCode, message: string) {
    super(message);
    this.failure = { code, fate: 'none', message };
  }
}

const resultCode = (error: unknown): number =>
  error instanceof Error && 'errcode' in error && typeof error.errcode === 'number' ? error.errcode : 0;

/** True where another process holds the lock, so that trying again makes sense. */
export function isBusy(error: unknown): boolean {
  const primary = resultCode(error) & 0xff;
  return primary === busy || primary === locked;
}

/** True where the disk, or the file by `maxBytes`, has no room. */
export const isFull = (error: unknown): boolean => (resultCode(error) & 0xff) === full;

/**
 * True where COMMIT itself failed in a way that leaves open what is on the disk: after a failed fsync the
 * commit mark may be there, and be found after a crash.
 */
export const isUncertainCommit = (error: unknown): boolean => (resultCode(error) & 0xff) === ioError;

/** What a thrown error means to the caller of the engine. A rolled-back call has the fate `none`. */
export function describeFailure(error: unknown, file: string, fate: Failure['fate'] = 'none'): Failure {
  if (error instanceof EngineFailure) return error.failure;
  const [code, meaning] = classify(error);
  const said = error instanceof Error ? error.message : String(error);
  return { code, fate, message: `${file}: ${meaning} (${said})` };
}

function classify(error: unknown): [EngineErrorCode, string] {
  const result = resultCode(error);
  if (result === ioErrorSharedMemorySize) return ['engine-full', 'the disk is full; make room'];
  switch (result & 0xff) {
    case full:
      return ['engine-full', 'there is no room; free disk space or raise maxBytes'];
    case busy:
    case locked:
      return ['engine-unavailable', 'another process has held the file locked for too long'];
    case corrupt:
      return ['engine-corrupt', 'the file is damaged; put back a backup, or move the file away'];
    case notADatabase:
      return ['engine-corrupt', 'the file is no SQLite database; move it away or give another directory'];
    case readOnly:
    case cannotOpen:
      return [
        'engine-unavailable',
        'the file cannot be written; check the owner and mode of it and its directory',
      ];
    case ioError:
      return ['engine-unavailable', 'the disk failed to read or write'];
    case outOfMemory:
      return ['engine-unavailable', 'out of memory'];
    case 0:
      return ['engine-unavailable', 'the engine failed'];
    default:
      return ['engine-corrupt', 'the tables are not as Slackwater made them'];
  }
}
