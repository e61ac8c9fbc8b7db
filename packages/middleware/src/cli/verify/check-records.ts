import { isSlackwaterError, type LedgerEntry, parseEntry } from '@slackwater/shared';
import type { OpenEngine } from '../../engines/engine.ts';
import { BoundedMap } from '../../ledger/bounded-map.ts';
import { readVault } from '../../ledger/data-keys.ts';
import { payloadKey } from '../../ledger/history.ts';
import type { LedgerKeys } from '../../ledger/keys.ts';
import { matchesDigest, outcomeDigest } from '../../ledger/payload-digest.ts';
import { openPayload, splitPayload } from '../../ledger/payload-record.ts';
import { outcomeKey } from '../../ledger/step.ts';
import type { Vault } from '../../ledger/vault.ts';

/** What can be wrong with the second records, beside what can be wrong with the ledger itself. */
export type RecordFault = 'payload-missing' | 'payload-differs' | 'outcome-differs';

/** How many records were compared with the digests in their entries. */
export interface RecordCounts {
  readonly payloads: number;
  readonly outcomes: number;
  /** Of settled deferrals, deleted when they had been kept as long as they are, or expired. */
  readonly gone: number;
  /** Payloads of requesters whose keys were destroyed, or are kept where this place can't reach them: nobody can read them. */
  readonly erased: number;
}

/** A record that is not what its entry says. */
export interface RecordTrouble {
  readonly fault: RecordFault;
  readonly message: string;
  readonly index: number;
}

/** Compares payloads and outcomes in the store with the digests in entries, page by page. */
export interface RecordCheck {
  readonly counts: RecordCounts;
  /** The next entries of the ledger. */
  take(page: readonly Uint8Array[]): Promise<void>;
  /** The first trouble, once all entries were taken. */
  finish(): Promise<RecordTrouble | undefined>;
}

type OpenedPayload = ReturnType<typeof openPayload>;

const parallel = 32;
const mostVaults = 10_000;
const aboutRecords = ['"type":"accepted"', '"type":"performed"', '"type":"failed"', '"type":"canceled"'].map(
  (text) => Buffer.from(text),
);

/** Checks records of one ledger. Remembers the deferrals without a payload that nothing has settled so far, and nothing else. */
export function recordCheck(
  engine: Pick<OpenEngine, 'store' | 'wrappedKeys'>,
  keys: Pick<LedgerKeys, 'encryption'>,
): RecordCheck {
  const counts = { payloads: 0, outcomes: 0, gone: 0, erased: 0 };
  const vaults = new BoundedMap<string, Promise<Vault | undefined>>(mostVaults);
  const missing = new Map<string, number>();
  let position = 0;
  let trouble: RecordTrouble | undefined;

  function note(fault: RecordFault, index: number, message: string): void {
    if (trouble === undefined || index < trouble.index) trouble = { fault, index, message };
  }

  function vaultOf(pseudonym: string): Promise<Vault | undefined> {
    const known = vaults.get(pseudonym);
    if (known !== undefined) return known;
    const opening = readVault(engine.wrappedKeys, keys.encryption, pseudonym);
    vaults.set(pseudonym, opening);
    return opening;
  }

  /** What `open` gives; undefined where it finds that bytes were changed. */
  async function unlessChanged<T>(open: () => Promise<T>): Promise<T | undefined> {
    try {
      return await open();
    } catch (error) {
      if (isSlackwaterError(error) && error.code === 'record-corrupt') return undefined;
      throw error;
    }
  }

  function openStored(entry: LedgerEntry, value: Uint8Array): Promise<OpenedPayload | 'erased' | undefined> {
    return unlessChanged(async () => {
      const stored = splitPayload(entry.id, value);
      if (stored.pseudonym !== entry.requester) return undefined;
      const vault = await vaultOf(entry.requester);
      return vault === undefined ? 'erased' : openPayload(vault, stored);
    });
  }

  async function checkPayload(entry: LedgerEntry, index: number): Promise<void> {
    const { id, payload = '' } = entry;
    const stored = await engine.store.get(payloadKey(id));
    if (stored === undefined) {
      missing.set(id, index);
      return;
    }
    const found = await openStored(entry, stored.value);
    if (found === 'erased') {
      counts.erased += 1;
      return;
    }
    counts.payloads += 1;
    if (found !== undefined && matchesDigest(payload, found.facts, found.request)) return;
    note(
      'payload-differs',
      index,
      `the payload of deferral ${id} is not the one whose digest is in entry ${index}`,
    );
  }

  async function checkOutcome(entry: LedgerEntry, index: number): Promise<void> {
    const { id, outcome, attempt = 0, requester } = entry;
    const stored = await engine.store.get(outcomeKey(id, attempt));
    const payload = stored && (await engine.store.get(payloadKey(id)));
    if (stored === undefined || payload === undefined) {
      counts.gone += 1;
      return;
    }
    const found = await openStored(entry, payload.value);
    // What is wrong with the payload was noted when its entry was read.
    if (found === undefined || found === 'erased') return;
    counts.outcomes += 1;
    const bytes = await unlessChanged(async () =>
      (await vaultOf(requester))?.open(id, `outcome ${attempt}`, stored.value),
    );
    if (bytes !== undefined && outcomeDigest(found.facts.salt, bytes) === outcome) return;
    note(
      'outcome-differs',
      index,
      `the outcome of deferral ${id} is not the one whose digest is in entry ${index}`,
    );
  }

  async function check(entry: LedgerEntry, index: number): Promise<void> {
    if (entry.type === 'accepted') return checkPayload(entry, index);
    if (entry.retryAt !== undefined) return;
    if (missing.delete(entry.id)) counts.gone += 1;
    if (entry.outcome !== undefined) await checkOutcome(entry, index);
  }

  return {
    get counts() {
      return { ...counts };
    },
    async take(page) {
      const first = position;
      position += page.length;
      const some = page.flatMap((bytes, i) => {
        const entry = isAboutRecords(bytes) ? parsed(bytes) : undefined;
        return entry === undefined ? [] : [{ entry, index: first + i }];
      });
      // Whether a payload is missing is known before it is said that its deferral was settled.
      const [accepted, others] = [some.filter(isAcceptance), some.filter((one) => !isAcceptance(one))];
      for (const group of [accepted, others]) {
        for (let i = 0; i < group.length; i += parallel) {
          await Promise.all(group.slice(i, i + parallel).map(({ entry, index }) => check(entry, index)));
        }
      }
    },
    async finish() {
      for (const [id, index] of missing) {
        note('payload-missing', index, `deferral ${id} is not settled, and its payload is gone`);
        break;
      }
      return trouble;
    },
  };
}

function isAcceptance({ entry }: { readonly entry: LedgerEntry }): boolean {
  return entry.type === 'accepted';
}

/** Most entries say how attempts went; to parse those would cost more than all else. */
function isAboutRecords(bytes: Uint8Array): boolean {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return aboutRecords.some((text) => buffer.includes(text));
}

/** What is no entry the verifier tells of. */
function parsed(bytes: Uint8Array): LedgerEntry | undefined {
  try {
    return parseEntry(bytes);
  } catch {
    return undefined;
  }
}
