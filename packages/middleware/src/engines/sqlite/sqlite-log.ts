import { checkBytes, checkEntries, checkInteger, checkKey, engineLimits } from '../limits.ts';
import type { EngineLog } from '../log.ts';
import type { ScopeCalls } from './scope-calls.ts';

const nothing = new Uint8Array(0);

/** The log of one scope. */
export function sqliteLog({ scope, call, now }: ScopeCalls): EngineLog {
  return {
    async append(entries) {
      checkEntries(entries);
      const { value } = await call('append', [scope], entries);
      return { first: value };
    },
    async appendSealed(entries, first, key, value, behind) {
      checkEntries(entries);
      checkInteger('first', first, 0);
      checkKey(key);
      checkBytes('value', value, engineLimits.valueBytes);
      if (behind !== undefined) checkKey(behind.key);
      const blobs = [behind?.value ?? nothing, value, ...entries];
      return (await call('appendSealed', [scope, first, key, behind?.key ?? null, now()], blobs)).value;
    },
    async read(from, limit) {
      checkInteger('from', from, 0);
      checkInteger('limit', limit, 1, engineLimits.entriesPerRead);
      const { value: lengths, blobs = [] } = await call('read', [scope, from, limit]);
      return blobs.flatMap((run, index) => cut(run, JSON.parse(`[${lengths[index]}]`)));
    },
    async size() {
      return (await call('size', [scope])).value;
    },
  };
}

/** The entries in a run of them. Nobody else has its bytes. */
function cut(run: Uint8Array, lengths: readonly number[]): Uint8Array[] {
  let at = run.byteOffset;
  return lengths.map((length) => {
    const entry = new Uint8Array(run.buffer, at, length);
    at += length;
    return entry;
  });
}
