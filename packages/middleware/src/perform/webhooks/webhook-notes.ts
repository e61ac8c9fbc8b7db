import { Buffer } from 'node:buffer';
import type { EngineStore } from '../../engines/store.ts';
import { type MonitorEvent, monitorEvents, type WebhookEvent, webhookEvents } from './webhook-types.ts';

// Messages that are to be sent: the store's value at webhook/<time>/<position>, JSON, the time in 15 digits of Unix milliseconds, so
// that what is due first stands first, the position that of the entry that the message tells of, in 15 digits. A note has nothing in it
// that is a secret: the message is made of the deferral when it is sent. Each host may send any; who does holds
// webhook-lease/<position>, which expires.

const prefix = 'webhook/';
const digits = 15;
/** So many are looked at at a time. */
const perLook = 100;

/** What a message tells: of a deferral, or of tasks of operations. */
export type NotedEvent = WebhookEvent | MonitorEvent;

const notedEvents: readonly NotedEvent[] = [...webhookEvents, ...monitorEvents];

/** Whether it is told of tasks, to the monitor of their type. */
export function isForMonitors(event: NotedEvent): event is MonitorEvent {
  return monitorEvents.some((one) => one === event);
}

/** A message that is to be sent. */
export interface WebhookNote {
  /** That of the entry that it tells of: a deferral's, or its own. */
  readonly id: string;
  /** Where the entry stands that it tells of. */
  readonly position: number;
  readonly event: NotedEvent;
  /** When that was, Unix milliseconds. */
  readonly at: number;
  /** How often it was sent. */
  readonly attempts: number;
}

/** A note, and where it stands. */
export interface DueNote {
  readonly key: string;
  readonly note: WebhookNote;
}

/** The notes of one ledger's store. */
export class WebhookNotes {
  readonly #store: EngineStore;

  constructor(store: EngineStore) {
    this.#store = store;
  }

  /** Writes a note that is due at that time, Unix milliseconds. Writing it again changes nothing. */
  async put(note: WebhookNote, dueAt: number): Promise<void> {
    await this.#store.put(keyOf(note, dueAt), Buffer.from(JSON.stringify({ v: 1, ...note }), 'utf8'));
  }

  /** The first that are due by then, behind that key; and behind which there may be more. */
  async due(
    nowMs: number,
    after?: string,
  ): Promise<{ readonly notes: readonly DueNote[]; readonly next: string | undefined }> {
    const behind = after === undefined ? {} : { after };
    const items = await this.#store.list(prefix, { limit: perLook, ...behind });
    const notes: DueNote[] = [];
    for (const { key, value } of items) {
      if (Number(key.slice(prefix.length, prefix.length + digits)) > nowMs) return { notes, next: undefined };
      const note = parse(value);
      // What nobody can read nobody can send.
      if (note === undefined) await this.#store.delete(key);
      else notes.push({ key, note });
    }
    return { notes, next: items.at(-1)?.key };
  }

  /** Takes a note for so long; undefined where another host has it. */
  lease({ position }: WebhookNote, expiresAt: number): Promise<number | undefined> {
    return this.#store.create(leaseKey(position), new Uint8Array(), { expiresAt });
  }

  async release({ position }: WebhookNote, lease: number): Promise<void> {
    await this.#store.delete(leaseKey(position), lease);
  }

  /** Whether it is still there: who had it before may have sent it. */
  async isThere(key: string): Promise<boolean> {
    return (await this.#store.get(key)) !== undefined;
  }

  async delete(key: string): Promise<void> {
    await this.#store.delete(key);
  }
}

function leaseKey(position: number): string {
  return `webhook-lease/${position}`;
}

function keyOf({ position }: WebhookNote, dueAt: number): string {
  const padded = (value: number): string => String(Math.ceil(value)).padStart(digits, '0');
  return `${prefix}${padded(dueAt)}/${padded(position)}`;
}

function parse(bytes: Uint8Array): WebhookNote | undefined {
  try {
    const { v, id, position, event, at, attempts } = JSON.parse(
      Buffer.from(bytes).toString('utf8'),
    ) as Partial<WebhookNote> & { readonly v?: unknown };
    const known = notedEvents.find((one) => one === event);
    const isWhole = [position, at, attempts].every((value) => Number.isSafeInteger(value));
    if (v !== 1 || typeof id !== 'string' || known === undefined || !isWhole) return undefined;
    return { id, event: known, position: position ?? 0, at: at ?? 0, attempts: attempts ?? 0 };
  } catch {
    return undefined;
  }
}
