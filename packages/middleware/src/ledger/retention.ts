import type { LedgerEntry } from '@slackwater/shared';
import type { EngineStore } from '../engines/store.ts';
import { payloadKey } from './history.ts';
import type { LedgerParts } from './parts.ts';

// What the store keeps of a deferral goes keepOutcomeMs after it was settled. State, outcome and Idempotency-Key have an
// expiry from their writing. The payload record has none, since nobody can say at the acceptance how long it will be needed; it
// and the further capabilities are deleted by whoever has recovery's turn, who finds in the log what was settled long
// enough ago. The log, the blocks and the tiles stay: they are the evidence.
//
// The cursor, in the store at retention/cursor, is a position below which nothing is left to be deleted. A crash before it is
// written deletes once more what is gone. It never passes what recovery has not carried over: what recovery begins a state
// from must be there.

const cursorKey = 'retention/cursor';
const parallel = 16;
/** Within one turn, so that recovery is not kept from its own. */
const mostMs = 10_000;
/** Where nothing was found that will be due, it is looked for again after so long at most. */
const mostRestMs = 60_000;

/** Deletes what settled deferrals leave in the store. */
export interface Retention {
  /** Deletes what is due, up to `end`: a position up to which recovery has come. What is left is for the next call. */
  forgetUpTo(end: number): Promise<void>;
}

/** The retention of one ledger. */
export function openRetention({
  clock,
  store,
  history,
  keepOutcomeMs,
}: Pick<LedgerParts, 'clock' | 'store' | 'history' | 'keepOutcomeMs'>): Retention {
  let restUntil = Number.NEGATIVE_INFINITY;

  /** Where the first entry is whose time has not come, and when it will. */
  async function walk(from: number, end: number): Promise<{ position: number; dueAt: number }> {
    const startedAt = clock.now();
    const now = clock.wallNow();
    let position = from;
    for await (const page of history.pages(from, end)) {
      const settling = page.filter(({ entry }) => settles(entry));
      const young = settling.find(({ entry }) => Date.parse(entry.at) + keepOutcomeMs > now);
      const due = settling.filter((placed) => young === undefined || placed.position < young.position);
      await forget(due.map(({ entry }) => entry.id));
      if (young !== undefined) {
        return { position: young.position, dueAt: Date.parse(young.entry.at) + keepOutcomeMs };
      }
      position = (page.at(-1)?.position ?? position) + 1;
      if (clock.now() - startedAt > mostMs) return { position, dueAt: now };
    }
    return { position, dueAt: Number.POSITIVE_INFINITY };
  }

  async function forget(ids: readonly string[]): Promise<void> {
    for (let i = 0; i < ids.length; i += parallel) {
      const some = ids.slice(i, i + parallel).flatMap((id) => [payloadKey(id), `access/${id}`]);
      await Promise.all(some.map((key) => store.delete(key)));
    }
  }

  return {
    async forgetUpTo(end) {
      if (clock.wallNow() < restUntil) return;
      const from = await readCursor(store);
      const { position, dueAt } = await walk(from, end);
      if (position > from) await store.put(cursorKey, Buffer.from(String(position), 'utf8'));
      // What is settled from now on is not due before it was kept.
      restUntil = Math.min(dueAt, clock.wallNow() + Math.min(mostRestMs, keepOutcomeMs));
    },
  };
}

async function readCursor(store: EngineStore): Promise<number> {
  const stored = await store.get(cursorKey);
  const position = stored === undefined ? 0 : Number(Buffer.from(stored.value).toString('utf8'));
  return Number.isSafeInteger(position) && position >= 0 ? position : 0;
}

/** Whether the deferral's life is over with it. */
function settles({ type, retryAt }: LedgerEntry): boolean {
  return type === 'performed' || type === 'canceled' || (type === 'failed' && retryAt === undefined);
}
