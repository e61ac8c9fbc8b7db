import { isSlackwaterError, type LedgerEntry, ownMethods, parseEntry } from '@slackwater/shared';
import type { Clock } from '../../clock.ts';
import type { EngineLog } from '../../engines/log.ts';
import { readFrom, readOn, readUpTo } from '../../engines/read-on.ts';
import type { EngineStore } from '../../engines/store.ts';
import type { NotedEvent, WebhookNote, WebhookNotes } from './webhook-notes.ts';
import { webhookEvents } from './webhook-types.ts';

// Which messages there are to be sent is read from the log, which alone says what happened, whoever did it. By crash point:
//
//   notes -> cursor (engines/read-on.ts). Crash between: they are noted once more, under the same keys, unless they were sent meanwhile: then
//     they are sent again, with the same webhook-id.
//
// Where there is no cursor yet, messages begin with what happens from then on.

const name = 'webhooks';
const perPage = 500;

/** What reading messages from the log takes. */
export interface NoteParts {
  readonly clock: Pick<Clock, 'wallNow'>;
  readonly log: Pick<EngineLog, 'read' | 'size'>;
  readonly store: EngineStore;
  readonly notes: WebhookNotes;
  /** Whether that is to be told of that entry. */
  readonly isWanted: (entry: LedgerEntry, event: NotedEvent) => boolean;
  /** What happened longer ago is not told any more, ms. */
  readonly notOlderThanMs: number;
}

/** Begins here, where nothing was begun: what happens from now on is told. Rejects with an `EngineError`. */
export async function beginNoting({ log, store }: Pick<NoteParts, 'log' | 'store'>): Promise<void> {
  if ((await readUpTo({ name, store })) === undefined) await readFrom({ name, store }, await log.size());
}

/** Notes what the log has beyond the cursor. Does nothing while another host is at it. Rejects with an `EngineError`. */
export function noteMessages(parts: NoteParts): Promise<void> {
  const { clock, log, store } = parts;
  return readOn({ name, clock, log, store, perPage }, (entries, from) => notePage(parts, entries, from));
}

async function notePage(
  { clock, notes, isWanted, notOlderThanMs }: NoteParts,
  entries: readonly Uint8Array[],
  from: number,
): Promise<void> {
  const now = clock.wallNow();
  for (const [i, bytes] of entries.entries()) {
    const entry = readable(bytes);
    const told = entry && toldOf(entry);
    if (entry === undefined || told === undefined || !isWanted(entry, told.event)) continue;
    const at = Date.parse(entry.at);
    if (at < now - notOlderThanMs) continue;
    await notes.put({ ...told, position: from + i, at, attempts: 0 }, at);
  }
}

/** An attempt that failed and is followed by another one is not told. What undoes a request is told of as that request's. */
function toldOf({
  id,
  type,
  method,
  parent = id,
  retryAt,
  step,
}: LedgerEntry): Pick<WebhookNote, 'id' | 'event'> | undefined {
  if (type === 'task-failing') return { id, event: type };
  if (type === 'operation-parked' && step?.error === 'task-undo-failed') return { id, event: step.error };
  const isUndoing = method === ownMethods.compensation;
  if (isUndoing && type === 'performed') return { id: parent, event: 'reversed' };
  if (isUndoing && type !== 'parked') return undefined;
  const event = retryAt === undefined ? entryEvents.find((one) => one === type) : undefined;
  return event && { id, event };
}

const entryEvents = webhookEvents.filter((event) => event !== 'reversed');

/** What somebody changed is the verifier's business. */
function readable(bytes: Uint8Array): LedgerEntry | undefined {
  try {
    return parseEntry(bytes);
  } catch (error) {
    if (isSlackwaterError(error)) return undefined;
    throw error;
  }
}
