import { leafHash } from '@slackwater/shared';
import type { Clock } from '../clock.ts';
import type { EngineLog } from '../engines/log.ts';
import { rotationsAmong } from './key-in-force.ts';
import { LedgerError } from './ledger-error.ts';
import { sha256 } from './sha256.ts';
import { extendEdge, type FullTile, type TreeEdge } from './tree-edge.ts';

// The tree goes on with entries that another process sealed: read from the log, not from that process.

const entriesPerRead = 1_024;
const mostLooks = 8;
const betweenLooksMs = 500;

/** The leaf that an entry is. */
export function hashOfEntry(entry: Uint8Array): Uint8Array {
  return leafHash(entry, { sha256 });
}

/** Entries from a position on that a block covers, at most so many and at least one, if there are any. */
export type ReadSealed = (from: number, limit: number) => Promise<readonly Uint8Array[]>;

/** The edge after the entries up to `size`, and what they bring. Rejects with `ledger-truncated` where the log has fewer. */
export async function extendFromLog(
  read: ReadSealed,
  from: TreeEdge,
  size: number,
): Promise<{
  readonly edge: TreeEdge;
  readonly filled: readonly FullTile[];
  /** Entries that may change the signing key. */
  readonly rotations: readonly Uint8Array[];
}> {
  const filled: FullTile[] = [];
  const rotations: Uint8Array[] = [];
  let edge = from;
  while (edge.size < size) {
    const entries = await read(edge.size, size - edge.size);
    if (entries.length === 0) {
      throw new LedgerError(
        'ledger-truncated',
        `The log ends at entry ${edge.size}; a sealed block goes on to ${size}.`,
      );
    }
    const next = extendEdge(edge, entries.map(hashOfEntry));
    edge = next.edge;
    filled.push(...next.filled);
    rotations.push(...rotationsAmong(entries));
  }
  return { edge, filled, rotations };
}

/** Reads what several blocks cover together, up to `end`, which none of them is trusted with. */
export function readAhead(log: EngineLog, clock: Pick<Clock, 'after'>, end: number): ReadSealed {
  let [first, page]: [number, readonly Uint8Array[]] = [0, []];
  return async (from, limit) => {
    if (from < first || from >= first + page.length) {
      const wanted = Math.min(Math.max(limit, end - from), entriesPerRead);
      [first, page] = [from, await readSealed(log, clock, from, wanted)];
    }
    return page.slice(from - first, from - first + limit);
  };
}

/**
 * Entries that a block covers. Where they are not shown they are asked for again for a while, before the whole group is ended
 * over it: of servers that have just chosen a new leader, that one may still be taking in what was acknowledged.
 */
async function readSealed(
  log: EngineLog,
  clock: Pick<Clock, 'after'>,
  from: number,
  limit: number,
): Promise<readonly Uint8Array[]> {
  for (let looks = 1; ; looks++) {
    const entries = await log.read(from, limit);
    if (entries.length > 0 || looks === mostLooks) return entries;
    await new Promise<void>((resolve) => clock.after(betweenLooksMs, resolve));
  }
}
