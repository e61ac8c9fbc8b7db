import {
  type Checkpoint,
  type DeferralResource,
  toBase64,
  type VerifiedCheckpoint,
} from '@slackwater/shared';
import { ReceiptStoreError } from '../errors/trust.ts';
import { isRecord } from '../wire/json-body.ts';
import type { ReceiptStore } from './store.ts';

/** The proof of a request as its caller kept it. */
export interface KeptReceipt {
  /** C2SP tlog-proof text. */
  readonly receipt: string;
  /** The `accepted` entry's bytes, base64. */
  readonly entry: string;
  /** The salt of the digests, base64. */
  readonly salt: string;
  /** Whether the digest was found to be that of the request as it was sent. */
  readonly isOwn: boolean;
}

/** A signed head as this client saw it. */
export interface SeenCheckpoint {
  readonly origin: string;
  readonly size: number;
  /** Root hash, base64. */
  readonly root: string;
  /** The signed note, verbatim. */
  readonly note: string;
}

/** As many heads of one ledger as wait to be compared; of more, the oldest but the first are left out. */
const mostSeen = 200;

/** What a client keeps of proofs, in a store. Calls for one ledger come after one another. A store that fails is a ReceiptStoreError. */
export class ReceiptBook {
  readonly #store: ReceiptStore;
  #turn: Promise<unknown> = Promise.resolve();

  constructor(store: ReceiptStore) {
    this.#store = store;
  }

  /** Keeps the proof of a deferral. */
  async keep({ id, receipt, entry, salt }: DeferralResource, isOwn: boolean): Promise<void> {
    const kept: KeptReceipt = { receipt, entry, salt, isOwn };
    await this.#set(`receipt/${id}`, JSON.stringify({ v: 1, ...kept }));
  }

  /** The proof that was kept of a deferral; undefined where there is none, or what is there is none. */
  async kept(id: string): Promise<KeptReceipt | undefined> {
    const value = parse(await this.#get(`receipt/${id}`));
    if (!isRecord(value) || value['v'] !== 1) return undefined;
    const { receipt, entry, salt, isOwn } = value;
    if (typeof receipt !== 'string' || typeof entry !== 'string' || typeof salt !== 'string')
      return undefined;
    return { receipt, entry, salt, isOwn: isOwn === true };
  }

  /** Notes a signed head. */
  async saw(checkpoint: VerifiedCheckpoint | Checkpoint, note: string): Promise<void> {
    const { origin, size } = checkpoint;
    const one: SeenCheckpoint = { origin, size, root: toBase64(checkpoint.root), note };
    await this.#change(origin, (seen) => {
      if (seen.some((other) => other.size === one.size && other.root === one.root)) return seen;
      const all = [...seen, one];
      return all.length > mostSeen ? all.toSpliced(1, 1) : all;
    });
  }

  /** Every head of a ledger that was seen and not yet found to be a beginning of a later one. */
  async seen(origin: string): Promise<readonly SeenCheckpoint[]> {
    const value = parse(await this.#get(`checkpoints/${origin}`));
    const list = isRecord(value) && value['v'] === 1 ? value['seen'] : undefined;
    return Array.isArray(list) ? list.filter(isSeen) : [];
  }

  /** Those heads were found to be beginnings of this one: it stands for them from now on. */
  async proven(origin: string, heads: readonly SeenCheckpoint[], head: SeenCheckpoint): Promise<void> {
    const isProven = (one: SeenCheckpoint): boolean =>
      heads.some(({ size, root }) => size === one.size && root === one.root);
    await this.#change(origin, (seen) => [head, ...seen.filter((one) => !isProven(one))]);
  }

  async #get(key: string): Promise<string | undefined> {
    try {
      return await this.#store.get(key);
    } catch (error) {
      throw new ReceiptStoreError('get', key, error);
    }
  }

  async #set(key: string, text: string): Promise<void> {
    try {
      await this.#store.set(key, text);
    } catch (error) {
      throw new ReceiptStoreError('set', key, error);
    }
  }

  async #change(
    origin: string,
    change: (seen: readonly SeenCheckpoint[]) => readonly SeenCheckpoint[],
  ): Promise<void> {
    const changed = this.#turn.then(async () => {
      const before = await this.seen(origin);
      const after = change(before);
      if (after !== before) await this.#set(`checkpoints/${origin}`, JSON.stringify({ v: 1, seen: after }));
    });
    this.#turn = changed.catch(() => {});
    await changed;
  }
}

function isSeen(value: unknown): value is SeenCheckpoint {
  if (!isRecord(value)) return false;
  const { origin, size, root, note } = value;
  return (
    typeof origin === 'string' &&
    Number.isSafeInteger(size) &&
    typeof root === 'string' &&
    typeof note === 'string'
  );
}

function parse(text: string | undefined): unknown {
  try {
    return text === undefined ? undefined : JSON.parse(text);
  } catch {
    return undefined;
  }
}
