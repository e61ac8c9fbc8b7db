import type { EngineStore } from '../engines/store.ts';
import { LedgerError } from './ledger-error.ts';
import { isSettled } from './life.ts';
import { entryBytes, ledgerEntry } from './make-entry.ts';
import type { LedgerParts } from './parts.ts';
import { encodeRequester, readRequester, requesterKey } from './requesters.ts';

// Erasing a requester, by crash point. Whoever comes after a crash, on whatever host, finds the erasure and goes on with it.
//
//   erasure     created    the store's value at erasure/<pseudonym>. Crash after: nothing has changed for anybody
//   requester   marked     nothing more is accepted for it; hosts that do not know yet find out within keyCacheMs
//   deferrals   settled    canceled, or waited for (perform/erase-requester.ts). Crash between: some are settled
//   wrapped key destroyed  the point of no return. Crash after: gone, and no entry says so yet
//   entry       appended   `erased`, under an id that the erasure has from its beginning, so that it is there once
//   requester   deleted    its name, encrypted under a key that is no more, and what it was found by
//   erasure     deleted
//
// The entry comes after the key is gone: what it says is so.

const erasurePrefix = 'erasure/';
const mostAtATime = 100;
/** A host that dies while it finishes one keeps the others from it for so long. */
const turnMs = 30_000;

/** Who asked for an erasure, and why. */
export interface ErasureAsked {
  /** `token:<subject>` or `code:<name>`. */
  readonly by: string;
  /** What for. It stands in the ledger as it is: no name of the requester belongs in it. */
  readonly purpose: string;
}

/** An erasure that was begun. */
export interface Erasure extends ErasureAsked {
  readonly pseudonym: string;
  /** Of its entry. */
  readonly id: string;
  /** `Lookup.requester` of its name. */
  readonly tag: string;
  /** The log had so many entries when it was begun. */
  readonly logSize: number;
}

/** The erasures of one ledger, as far as they concern the ledger alone. */
export interface Erasures {
  /** Begins one, or gives the one that was begun. Undefined where nothing is kept under the name. */
  begin(requester: string, asked: ErasureAsked): Promise<Erasure | undefined>;
  /** Those that were begun and are not finished. */
  unfinished(): Promise<readonly Erasure[]>;
  /** Ids of the requester's deferrals that are not settled. Looks at every state. */
  unsettled(erasure: Erasure): Promise<readonly string[]>;
  /** False once it is finished, by whatever host. */
  isOpen(erasure: Erasure): Promise<boolean>;
  /**
   * Destroys the key and records it. Whoever calls has seen to it that nothing of the requester is unsettled, or will be. Does
   * nothing where another host is at it.
   */
  finish(erasure: Erasure): Promise<void>;
  /** So long after it was begun no host accepts for the requester any more, ms. */
  readonly quietAfterMs: number;
}

/** The erasures in a store. */
export function openErasures(parts: LedgerParts, newId: () => string): Erasures {
  const { store, lookup, dataKeys, requesters, sealer, history, states, progress, clock } = parts;

  async function begin(requester: string, asked: ErasureAsked): Promise<Erasure | undefined> {
    const tag = lookup.requester(requester);
    const stored = await readRequester(store, tag);
    if (stored === undefined) return undefined;
    const { record, revision } = stored;
    const key = erasurePrefix + record.pseudonym;
    const made: Erasure = {
      ...asked,
      pseudonym: record.pseudonym,
      id: newId(),
      tag,
      logSize: sealer.head.link.size,
    };
    const created = await store.create(key, Buffer.from(JSON.stringify(made), 'utf8'));
    const erasure = created === undefined ? await readErasure(store, key) : made;
    if (erasure === undefined) return begin(requester, asked);
    if (record.erasing === true) return erasure;
    const marked = await store.update(
      requesterKey(tag),
      encodeRequester({ ...record, erasing: true }),
      revision,
    );
    requesters.forget(tag);
    return marked === undefined ? begin(requester, asked) : erasure;
  }

  /** A crash may have been before the mark. */
  async function mark({ tag, pseudonym }: Erasure): Promise<void> {
    for (;;) {
      const stored = await readRequester(store, tag);
      if (stored === undefined || stored.record.pseudonym !== pseudonym || stored.record.erasing === true)
        return;
      const marked = encodeRequester({ ...stored.record, erasing: true });
      if ((await store.update(requesterKey(tag), marked, stored.revision)) === undefined) continue;
      requesters.forget(tag);
      return;
    }
  }

  async function isRecorded({ id, logSize }: Erasure): Promise<boolean> {
    for await (const { entry } of history.mentioning(id, logSize)) if (entry.id === id) return true;
    return false;
  }

  return {
    begin,
    async unfinished() {
      const found = await store.list(erasurePrefix, { limit: mostAtATime });
      const erasures = found.map(({ key, value }) => parseErasure(key, value));
      for (const erasure of erasures) await mark(erasure);
      return erasures;
    },
    async unsettled({ pseudonym }) {
      const ids: string[] = [];
      let before: string | undefined;
      for (;;) {
        const page = await states.page(1_000, before);
        if (page.length === 0) return ids;
        for (const { id, state } of page) {
          before = id;
          if (state?.requester === pseudonym && !isSettled(state)) ids.push(id);
        }
      }
    },
    quietAfterMs: parts.keyCacheMs + 2 * parts.engineTimeoutMs,
    isOpen: async ({ pseudonym }) => (await store.get(erasurePrefix + pseudonym)) !== undefined,
    async finish(erasure) {
      const expiresAt = clock.wallNow() + turnMs;
      const turnKey = `erasing/${erasure.pseudonym}`;
      const turn = await store.create(turnKey, new Uint8Array(), { expiresAt });
      if (turn === undefined) return;
      await dataKeys.destroy(erasure.pseudonym);
      if (!(await isRecorded(erasure))) {
        const { id, by, pseudonym: requester, purpose } = erasure;
        const about = { id, by, nowMs: clock.wallNow() };
        const entry = { ...ledgerEntry(parts, 'erased', about), requester, purpose };
        progress.complete(await sealer.record(entryBytes(entry)).sealed);
      }
      const stored = await readRequester(store, erasure.tag);
      if (stored?.record.pseudonym === erasure.pseudonym) {
        await store.delete(requesterKey(erasure.tag), stored.revision);
      }
      requesters.forget(erasure.tag);
      await store.delete(erasurePrefix + erasure.pseudonym);
      await store.delete(turnKey, turn).catch(() => false);
    },
  };
}

async function readErasure(store: EngineStore, key: string): Promise<Erasure | undefined> {
  const stored = await store.get(key);
  return stored && parseErasure(key, stored.value);
}

function parseErasure(key: string, value: Uint8Array): Erasure {
  try {
    const erasure = JSON.parse(Buffer.from(value).toString('utf8')) as Erasure;
    const texts = [erasure.pseudonym, erasure.id, erasure.tag, erasure.by, erasure.purpose];
    if (texts.every((text) => typeof text === 'string') && key === erasurePrefix + erasure.pseudonym)
      return erasure;
  } catch {
    // said below
  }
  throw new LedgerError('record-corrupt', `The record of the erasure ${key} is not readable.`);
}
