import { engineLimits } from '../../engines/limits.ts';
import type { EngineLog } from '../../engines/log.ts';
import { CommandFailed } from '../failures.ts';

/** Brings entries to the end of a log that nobody else writes to, in batches. */
export interface AppendInOrder {
  /** The entry belongs at the end of all before it. Resolves when there is room for more, and not that it is there. */
  add(entry: Uint8Array): Promise<void>;
  /** Resolves with the log's size once everything is durable. */
  flush(): Promise<number>;
}

/** Appends to a log of `size` entries. Rejects with a {@link CommandFailed} where another one appends, too. */
export function appendInOrder(log: EngineLog, size: number): AppendInOrder {
  let end = size;
  let batch: Uint8Array[] = [];
  let bytes = 0;

  async function flush(): Promise<number> {
    if (batch.length === 0) return end;
    const given = batch;
    batch = [];
    bytes = 0;
    // A crash here: the batch is there whole or not at all, and the next run goes on behind what is there.
    const { first } = await log.append(given);
    if (first !== end) {
      throw new CommandFailed(
        `somebody else writes to the target: entry ${end} became its entry ${first}. Nothing can be taken back from a log: ` +
          'end the other one, empty the target, and copy again',
      );
    }
    end += given.length;
    return end;
  }

  return {
    flush,
    async add(entry) {
      const isFull = batch.length === engineLimits.entriesPerAppend;
      if (isFull || bytes + entry.byteLength > engineLimits.appendBytes) await flush();
      batch.push(entry);
      bytes += entry.byteLength;
    },
  };
}
