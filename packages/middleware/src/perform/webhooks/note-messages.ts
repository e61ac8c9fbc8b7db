import { Buffer } from 'node:buffer';
import { isSlackwaterError, type LedgerEntry, ownMethods, parseEntry } from '@slackwater/shared';
import type { Clock } from '../../clock.ts';
import type { EngineLog } from '../../engines/log.ts';
import type { EngineStore } from '../../engines/store.ts';
import type { WebhookNote, WebhookNotes } from './webhook-notes.ts';
import { type WebhookEvent, webhookEvents } from './webhook-types.ts';

// Which messages there are to be sent is read from the log, which alone says what happened, whoever did it. The cursor, in the
// store at webhooks/cursor, is a position below which every message is noted. By crash point:
//
//   notes -> cursor. Crash between: they are noted once more, under the same keys, unless they were sent meanwhile: then they are sent
//     again, with the same webhook-id.
//
// Of several hosts one at a time does it, who holds webhooks/turn. Where there is no cursor yet, messages begin with what happens
// from then on.

const cursorKey = 'webhooks/cursor';
const turnKey = 'webhooks/turn';
/** A host that dies within its turn keeps the others from theirs for so long, ms. */
const turnMs = 30_000;
const perPage = 500;
const pagesPerTurn = 20;

/** What reading messages from the log takes. */
export interface NoteParts {
  readonly clock: Pick<Clock, 'wallNow'>;
  readonly log: Pick<EngineLog, 'read' | 'size'>;
  readonly store: EngineStore;
  readonly notes: WebhookNotes;
  /** Whether that is to be told of deferrals of that work type. */
  readonly isWanted: (workType: string, event: WebhookEvent) => boolean;
  /** What happened longer ago is not told any more, ms. */
  readonly notOlderThanMs: number;
}

/** Begins here, where nothing was begun: what happens from now on is told. Rejects with an `EngineError`. */
export async function beginNoting({ log, store }: Pick<NoteParts, 'log' | 'store'>): Promise<void> {
  const stored = await store.get(cursorKey);
  if (positionIn(stored?.value) !== undefined) return;
  // What can't be read is no cursor: from where it stood nobody knows any more.
  if (stored !== undefined) await store.delete(cursorKey, stored.revision);
  await store.create(cursorKey, Buffer.from(String(await log.size()), 'utf8'));
}

/** Notes what the log has beyond the cursor. Does nothing while another host is at it. Rejects with an `EngineError`. */
export async function noteMessages(parts: NoteParts): Promise<void> {
  const { clock, log, store } = parts;
  const before = await readCursor(store);
  if (before === undefined || (await log.size()) <= before) return;
  const turn = await store.create(turnKey, new Uint8Array(), { expiresAt: clock.wallNow() + turnMs });
  if (turn === undefined) return;
  try {
    for (let page = 0; page < pagesPerTurn; page += 1) if (!(await notePage(parts))) return;
  } finally {
    await store.delete(turnKey, turn).catch(() => false);
  }
}

/** Whether there was anything. */
async function notePage({ clock, log, store, notes, isWanted, notOlderThanMs }: NoteParts): Promise<boolean> {
  const stored = await store.get(cursorKey);
  const from = positionIn(stored?.value);
  if (stored === undefined || from === undefined) return false;
  const entries = await log.read(from, perPage);
  if (entries.length === 0) return false;
  const now = clock.wallNow();
  for (const [i, bytes] of entries.entries()) {
    const entry = readable(bytes);
    const told = entry && toldOf(entry);
    if (entry === undefined || told === undefined || !isWanted(entry.workType, told.event)) continue;
    const at = Date.parse(entry.at);
    if (at < now - notOlderThanMs) continue;
    await notes.put({ ...told, position: from + i, at, attempts: 0 }, at);
  }
  const next = Buffer.from(String(from + entries.length), 'utf8');
  return (await store.update(cursorKey, next, stored.revision)) !== undefined;
}

/** An attempt that failed and is followed by another one is not told. What undoes a request is told of as that request's. */
function toldOf({
  id,
  type,
  method,
  parent = id,
  retryAt,
}: LedgerEntry): Pick<WebhookNote, 'id' | 'event'> | undefined {
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

async function readCursor(store: EngineStore): Promise<number | undefined> {
  return positionIn((await store.get(cursorKey))?.value);
}

function positionIn(value: Uint8Array | undefined): number | undefined {
  const position = value === undefined ? Number.NaN : Number(Buffer.from(value).toString('utf8'));
  return Number.isSafeInteger(position) && position >= 0 ? position : undefined;
}
