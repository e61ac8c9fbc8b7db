import { isSlackwaterError, type LedgerEntry, parseEntry } from '@slackwater/shared';
import type { EngineLog } from '../engines/log.ts';
import type { EngineStore } from '../engines/store.ts';
import { BoundedMap } from './bounded-map.ts';
import type { DataKeys } from './data-keys.ts';
import { LedgerError } from './ledger-error.ts';
import { applyEntry, beginLife, type DeferralState } from './life.ts';
import { openFacts, type PayloadFacts, splitPayload } from './payload-record.ts';
import type { States, StoredState } from './states.ts';

const entriesPerRead = 500;
const rememberedAbsences = 10_000;
const unreadable: ReadonlySet<string> = new Set(['record-corrupt', 'requester-erased']);

/** An entry and where it stands. */
export interface PlacedEntry {
  readonly position: number;
  readonly entry: LedgerEntry;
}

/** What the log says about a deferral, where its state is lost or may be behind. */
export interface History {
  /** The stored state; where it is lost, made again from the log and stored. Undefined for an id that was never accepted. */
  load(id: string): Promise<StoredState | undefined>;
  /** The state with what the log has about it beyond `state.applied`. */
  replay(state: DeferralState): Promise<DeferralState>;
  /** The state that an `accepted` entry begins, with the facts in the payload record, if that can be read. */
  begin(accepted: PlacedEntry): Promise<DeferralState>;
  /** The entry at a position. Throws `ledger-truncated` where the log ends before, `ledger-corrupt` where it is none. */
  entryAt(position: number): Promise<{ readonly bytes: Uint8Array; readonly entry: LedgerEntry }>;
  /** The entries from `from` up to, not including, `end`, a page at a time. */
  pages(from: number, end: number): AsyncGenerator<readonly PlacedEntry[]>;
  /** The entries from `from` on whose bytes have this text in them, to the end of the log. */
  mentioning(text: string, from: number): AsyncGenerator<PlacedEntry>;
}

/** Where the store has the payload record of a deferral. */
export function payloadKey(id: string): string {
  return `payload/${id}`;
}

/** The history in a log, with the states it keeps. */
export function openHistory(log: EngineLog, store: EngineStore, states: States, dataKeys: DataKeys): History {
  /** Ids that have a payload record and no entry, by how far the log was searched for one. */
  const absences = new BoundedMap<string, number>(rememberedAbsences);

  async function factsOf(id: string): Promise<PayloadFacts | undefined> {
    const record = await store.get(payloadKey(id));
    if (record === undefined) return undefined;
    try {
      const payload = splitPayload(id, record.value);
      return openFacts(await dataKeys.need(payload.pseudonym), payload);
    } catch (error) {
      // Altered, or its requester erased. The deferral is shown as far as its entries go; its request is refused.
      if (isSlackwaterError(error) && unreadable.has(error.code)) return undefined;
      throw error;
    }
  }

  async function* mentioning(text: string, from: number): AsyncGenerator<PlacedEntry> {
    const needle = Buffer.from(text, 'utf8');
    for (let at = from; ; ) {
      const page = await log.read(at, entriesPerRead);
      if (page.length === 0) return;
      for (const [i, bytes] of page.entries()) {
        // Parsing is what costs; most entries are about others.
        if (!Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).includes(needle)) continue;
        yield { position: at + i, entry: parseOwn(bytes, at + i) };
      }
      at += page.length;
    }
  }

  async function* entriesOf(id: string, from: number): AsyncGenerator<PlacedEntry> {
    for await (const placed of mentioning(id, from)) if (placed.entry.id === id) yield placed;
  }

  async function rebuild(id: string): Promise<DeferralState | undefined> {
    // The payload is stored before the entry: an id without one was never accepted, unless the record was removed,
    // and then the search may begin anywhere. Ids that somebody made up thus cost one read.
    const record = await store.get(payloadKey(id));
    if (record === undefined) return undefined;
    const facts = await factsOf(id);
    const from = absences.get(id) ?? facts?.logSize ?? 0;
    let state: DeferralState | undefined;
    let searched = from;
    for await (const { position, entry } of entriesOf(id, from)) {
      searched = position + 1;
      if (state !== undefined) state = applyEntry(state, entry, position);
      else if (entry.type === 'accepted') state = beginLife(entry, position, facts);
    }
    if (state === undefined) absences.set(id, searched);
    return state;
  }

  return {
    async load(id) {
      const stored = await states.read(id);
      if (stored !== undefined) return stored;
      const state = await rebuild(id);
      if (state === undefined) return undefined;
      // Where another made it meanwhile, that one is as good.
      await states.create(state);
      const made = await states.read(id);
      // It was settled so long ago that it is shown no more; the log need not be searched for that again.
      if (made === undefined) absences.set(id, state.applied + 1);
      return made;
    },
    async replay(state) {
      let next = state;
      for await (const { position, entry } of entriesOf(state.id, state.applied + 1)) {
        next = applyEntry(next, entry, position);
      }
      return next;
    },
    async begin({ entry, position }) {
      return beginLife(entry, position, await factsOf(entry.id));
    },
    async entryAt(position) {
      const [bytes] = await log.read(position, 1);
      if (bytes === undefined) {
        throw new LedgerError(
          'ledger-truncated',
          `The log ends before entry ${position}, which was acknowledged.`,
        );
      }
      return { bytes, entry: parseOwn(bytes, position) };
    },
    async *pages(from, end) {
      for (let at = from; at < end; ) {
        const page = await log.read(at, Math.min(entriesPerRead, end - at));
        if (page.length === 0) throw new LedgerError('ledger-truncated', `The log ends before entry ${at}.`);
        const start = at;
        yield page.map((bytes, i) => ({ position: start + i, entry: parseOwn(bytes, start + i) }));
        at += page.length;
      }
    },
    mentioning,
  };
}

function parseOwn(bytes: Uint8Array, position: number): LedgerEntry {
  try {
    return parseEntry(bytes);
  } catch (cause) {
    throw new LedgerError('ledger-corrupt', `Entry ${position} of the log is not an entry: it was changed.`, {
      cause,
    });
  }
}
