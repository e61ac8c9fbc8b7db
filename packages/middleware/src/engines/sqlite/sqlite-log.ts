import { checkEntries, checkInteger, engineLimits } from '../limits.ts';
import type { EngineLog } from '../log.ts';
import type { ScopeCalls } from './scope-calls.ts';

/** The log of one scope. */
export function sqliteLog({ scope, call }: ScopeCalls): EngineLog {
  return {
    async append(entries) {
      checkEntries(entries);
      const { value } = await call('append', [scope], entries);
      return { first: value };
    },
    async read(from, limit) {
      checkInteger('from', from, 0);
      checkInteger('limit', limit, 1, engineLimits.entriesPerRead);
      const { blobs } = await call('read', [scope, from, limit]);
      return blobs ?? [];
    },
    async size() {
      return (await call('size', [scope])).value;
    },
  };
}
