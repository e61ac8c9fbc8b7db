import {
  canonicalJson,
  type LedgerEntry,
  leafHash,
  type OperationEntryType,
  type OperationStep,
  operationEntryTypes,
  type TaskFailing,
} from '@slackwater/shared';
import type { PlacedEntry } from './history.ts';
import type { KeyRecord } from './key-records.ts';
import { LedgerError } from './ledger-error.ts';
import { entryBytes } from './make-entry.ts';
import type { LedgerParts } from './parts.ts';
import { proofUnderHead } from './proofs.ts';
import { checkReveal, type RevealRequest } from './reveal.ts';
import { sha256 } from './sha256.ts';

// What operations of dependent tasks keep. Their steps are entries of the log; what tasks take and give is sealed under their
// requester's key, in the store at operation/value/<run>/<hash of the value's name>, with its digest in an entry. Functions that are kept as
// their source are at operation/source/<digest>.
//
// A value is stored before the entry that has its digest: a crash between leaves a value that nothing names, which goes with the
// run's other values when they are forgotten.

const types: ReadonlySet<string> = new Set(operationEntryTypes);
const valuesPerPage = 500;
const runMethod = 'RUN';

/** What happened to an operation, before it has a place in the log. */
export interface OperationHappening {
  readonly type: OperationEntryType;
  readonly step: OperationStep;
}

/** Whose run it is. */
export interface OperationOwner {
  /** A ULID. */
  readonly id: string;
  /** The pseudonym under whose key its values are sealed. */
  readonly requester: string;
  readonly workType: string;
}

/** By what a request that starts a run is known. The query of the URL does not count. */
export interface RunKey {
  /** In the application's own words. */
  readonly requester: string;
  readonly method: string;
  readonly url: string;
  readonly idempotencyKey: string;
}

/** A run whose id was claimed by a key, and that key. */
export interface ClaimedRun extends KeyRecord {
  readonly tag: string;
}

/** Who is shown the values of a run, and what for. */
export type RunReveal = Omit<RevealRequest, 'parameters'>;

/** What the ledger does for operations. Everything rejects with an `EngineError` or a `LedgerError`. */
export interface OperationRecords {
  /** Ids rise. */
  newId(): string;
  /**
   * The run that an Idempotency-Key stands for: a new one where it stands for none yet. Undefined where it came before with
   * another operation or input. The key is forgotten after `keepOutcomeMs`, unless it is kept.
   */
  claim(key: RunKey, operation: string, input: string): Promise<ClaimedRun | undefined>;
  /** Keeps a key until it is forgotten with its run, however long that goes on. */
  keepKey(claimed: ClaimedRun): Promise<void>;
  /** The pseudonym for a requester in the application's words. */
  pseudonym(requester: string): Promise<string>;
  /**
   * Resolves with the entries, in their order, once all of them are durable and sealed. Rejects with `parameter-invalid`, and records none, where one
   * would have more than 65,535 bytes.
   */
  record(owner: OperationOwner, happenings: readonly OperationHappening[]): Promise<readonly PlacedEntry[]>;
  /** Records under an id of its own that a type of task fails too often. Resolves when that is durable and sealed. */
  recordFailing(id: string, failing: TaskFailing): Promise<LedgerEntry>;
  /**
   * Records that values of a run are shown in plain text. Resolves when that is durable and sealed; where it rejects, nothing is to be shown. Rejects with
   * `parameter-invalid` for no purpose.
   */
  recordReveal(owner: OperationOwner, reveal: RunReveal): Promise<void>;
  /** From the log, each verified under the signed head: what happened to these runs from `from` on, in its order. Rejects with `record-corrupt`. */
  history(ids: ReadonlySet<string>, from: number): Promise<ReadonlyMap<string, readonly PlacedEntry[]>>;
  /**
   * The same of one run, to be shown and not to go on from: entries that do not mention it are not parsed, so that one which was garbled is
   * passed over instead of refused.
   */
  glance(id: string, from: number): Promise<readonly PlacedEntry[]>;
  /** The entry at a position, verified under the signed head. Rejects with `record-corrupt`. */
  entry(position: number): Promise<LedgerEntry>;
  /** How many entries the log has. */
  end(): Promise<number>;
  /** Keeps a value, as JSON, under a name of its own within the run. Throws `parameter-invalid` where that is longer than `maxBytes`. */
  keep(owner: OperationOwner, name: string, json: string): Promise<void>;
  /** The JSON that was kept; undefined where there is none. Rejects with `record-corrupt` or `requester-erased`. */
  kept(owner: Pick<OperationOwner, 'id' | 'requester'>, name: string): Promise<string | undefined>;
  /** Keeps a function's source under its digest, base64 of a SHA-256. It is nobody's, and stays. */
  keepSource(digest: string, source: string): Promise<void>;
  /** The source that was kept under a digest. */
  source(digest: string): Promise<string | undefined>;
  /** Deletes all that was kept of a run, and the key that stands for it. */
  forget(id: string, key?: string): Promise<void>;
}

/** The records of operations in one ledger. */
export function openOperationRecords(
  parts: LedgerParts,
  newId: () => string,
  log: { size(): Promise<number> },
): OperationRecords {
  const { application, group, clock, store, sealer, history, tiles, requesters, dataKeys, progress } = parts;
  const { lookup, keyRecords, keepOutcomeMs } = parts;

  function entryOf(
    { id, requester, workType }: OperationOwner,
    { type, step }: OperationHappening,
  ): LedgerEntry {
    const at = new Date(clock.wallNow()).toISOString();
    const nowhere = { method: '', route: '', partition: '', reasons: [] };
    return { v: 1, type, id, at, group, application, ...nowhere, workType, requester, step };
  }

  async function verified(position: number, bytes: Uint8Array): Promise<void> {
    if (position >= sealer.head.link.size) await sealer.catchUp();
    const head = position < sealer.head.link.size ? sealer.head : await sealer.sealTail();
    const leaf = leafHash(bytes, { sha256 });
    const isSealed = Buffer.from(await tiles.node(head.edge, 0, position)).equals(leaf);
    if (!isSealed) throw altered(position);
    await proofUnderHead(tiles, head, position, bytes).catch((error: unknown) => {
      throw error instanceof LedgerError && error.code === 'ledger-corrupt' ? altered(position) : error;
    });
  }

  async function entryAt(position: number): Promise<LedgerEntry> {
    const found = await history.entryAt(position).catch((error: unknown) => {
      throw error instanceof LedgerError && error.code === 'ledger-corrupt' ? altered(position) : error;
    });
    await verified(position, found.bytes);
    return found.entry;
  }

  return {
    newId,
    async claim(key, operation, input) {
      // Apart from those of deferrals, which may have the same key.
      const tag = lookup.idempotencyKey({ ...key, application, method: `${runMethod} ${key.method}` });
      const body = Buffer.from(input, 'utf8');
      const payload = lookup.payload({ method: runMethod, url: operation, contentType: undefined, body });
      const expiresAt = clock.wallNow() + keepOutcomeMs;
      const { record } = await keyRecords.claim(tag, { id: newId(), payload }, expiresAt);
      return record.payload === payload ? { tag, ...record } : undefined;
    },
    keepKey: ({ tag, ...record }) => keyRecords.keep(tag, record),
    pseudonym: (requester) => requesters.pseudonym(requester),
    async record(owner, happenings) {
      // All of them, or none where one can't be an entry.
      const written = happenings.map((happening) => {
        const entry = entryOf(owner, happening);
        return { entry, bytes: entryBytes(entry) };
      });
      const made = written.map(({ entry, bytes }) => ({ entry, recording: sealer.record(bytes) }));
      return Promise.all(
        made.map(async ({ entry, recording }) => {
          const position = await recording.sealed;
          progress.complete(position);
          return { position, entry };
        }),
      );
    },
    async recordFailing(id, failing) {
      const at = new Date(clock.wallNow()).toISOString();
      const nowhere = { method: '', route: '', workType: '', partition: '', requester: '', reasons: [] };
      const entry: LedgerEntry = {
        v: 1,
        type: 'task-failing',
        id,
        at,
        group,
        application,
        ...nowhere,
        failing,
      };
      progress.complete(await sealer.record(entryBytes(entry)).sealed);
      return entry;
    },
    async recordReveal({ id, requester, workType }, { by, purpose }) {
      const parameters = ['body'];
      checkReveal({ parameters, by, purpose });
      const at = new Date(clock.wallNow()).toISOString();
      const nowhere = { method: '', route: '', partition: '', reasons: [] };
      const shown = { by, parameters, purpose };
      const whose = { id, at, group, application, ...nowhere, workType, requester };
      const bytes = entryBytes({ v: 1, type: 'revealed', ...whose, ...shown });
      progress.complete(await sealer.record(bytes).sealed);
    },
    async history(ids, from) {
      const { link } = await sealer.sealTail();
      const found = new Map<string, PlacedEntry[]>();
      for await (const page of history.pages(from, link.size)) {
        for (const { position, entry } of page) {
          if (!ids.has(entry.id) || !types.has(entry.type)) continue;
          const sure = { position, entry: await entryAt(position) };
          const known = found.get(entry.id);
          if (known === undefined) found.set(entry.id, [sure]);
          else known.push(sure);
        }
      }
      return found;
    },
    async glance(id, from) {
      const { link } = await sealer.sealTail();
      const found: PlacedEntry[] = [];
      for await (const { position, entry } of history.mentioning(id, from)) {
        if (position >= link.size) break;
        if (entry.id !== id || !types.has(entry.type)) continue;
        found.push({ position, entry: await entryAt(position) });
      }
      return found;
    },
    entry: entryAt,
    end: () => log.size(),
    async keep({ id, requester }, name, json) {
      const vault = await dataKeys.need(requester);
      await store.put(valueKey(id, name), vault.seal(id, name, Buffer.from(json, 'utf8')));
    },
    async kept({ id, requester }, name) {
      const stored = await store.get(valueKey(id, name));
      if (stored === undefined) return undefined;
      const vault = await dataKeys.need(requester);
      return Buffer.from(vault.open(id, name, stored.value)).toString('utf8');
    },
    async keepSource(digest, source) {
      await store.create(sourceKey(digest), Buffer.from(source, 'utf8'));
    },
    async source(digest) {
      const stored = await store.get(sourceKey(digest));
      return stored && Buffer.from(stored.value).toString('utf8');
    },
    async forget(id, key) {
      if (key !== undefined) await keyRecords.forget(key);
      for (;;) {
        const values = await store.list(`operation/value/${id}/`, { limit: valuesPerPage });
        if (values.length === 0) return;
        await Promise.all(values.map(({ key }) => store.delete(key)));
      }
    },
  };
}

/** Whether an entry is about an operation. */
export function isOperationEntry({ type }: LedgerEntry): boolean {
  return types.has(type);
}

/** Base64 of SHA-256(salt || canonical JSON): what an entry says of a value. */
export function valueDigest(salt: Uint8Array, value: unknown): string {
  const hash = sha256(Buffer.concat([salt, Buffer.from(canonicalJson(value), 'utf8')]));
  return Buffer.from(hash).toString('base64');
}

function valueKey(id: string, name: string): string {
  const hash = Buffer.from(sha256(Buffer.from(name, 'utf8')));
  return `operation/value/${id}/${hash.toString('base64url').slice(0, 22)}`;
}

function sourceKey(digest: string): string {
  return `operation/source/${Buffer.from(digest, 'base64').toString('hex')}`;
}

function altered(position: number): LedgerError {
  return new LedgerError(
    'record-corrupt',
    `Entry ${position} of the log is refused: it is not the one that was sealed there.`,
  );
}
