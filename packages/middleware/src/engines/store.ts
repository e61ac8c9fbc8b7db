/**
 * The key-value store contract.
 *
 * Law:
 * - Keys are 1 to 512 characters: segments of `A-Z a-z 0-9 _ = -`, separated by `/`, none empty. Values are at most 4 MiB.
 * - Durable and atomic per call, like the log.
 * - Every write gives the key a new revision, a positive integer greater than any it had before.
 * - `create`, `update` and `delete` with a revision are compare-and-set, also between processes: of several at
 *   once, one wins. Losing is an answer, not an error.
 * - Expiry: from `expiresAt` (Unix milliseconds) on a key is not shown by any call and may be created again;
 *   its bytes go away later, in the engine's own time. Until then `get` and `list` tell when that will be.
 * - Errors: `EngineError`. With `fate: 'unknown'` the write may have been done.
 */
export interface EngineStore {
  get(key: string): Promise<StoredValue | undefined>;
  /** Resolves with the revision, or undefined where the key exists. */
  create(key: string, value: Uint8Array, options?: StoreOptions): Promise<number | undefined>;
  /** Writes whatever was there. Resolves with the revision. */
  put(key: string, value: Uint8Array, options?: StoreOptions): Promise<number>;
  /** Resolves with the new revision, or undefined where the key's revision is another by now. */
  update(
    key: string,
    value: Uint8Array,
    revision: number,
    options?: StoreOptions,
  ): Promise<number | undefined>;
  /** Resolves with whether it was there (and, where a revision is given, had it). */
  delete(key: string, revision?: number): Promise<boolean>;
  /**
   * Keys that start with `prefix`, ascending by bytes, or descending with `reverse`; after `after`, if given. May
   * give fewer than `limit` so that an answer stays within some 16 MiB, but none only where there are none.
   */
  list(prefix: string, options: ListOptions): Promise<readonly StoredItem[]>;
}

export interface StoreOptions {
  /** Unix milliseconds from which on the key is gone. Absent: never. */
  readonly expiresAt?: number;
  /**
   * `create`: the caller made the key's name up a moment ago, so what was once kept of it can't have been swept yet. An engine
   * that would have to look for that need not. Absent: false.
   */
  readonly isFresh?: boolean;
}

export interface ListOptions {
  /** 1 to 1,000. */
  readonly limit: number;
  /** A key, itself left out: the list goes on behind it. */
  readonly after?: string;
  readonly reverse?: boolean;
}

export interface StoredValue {
  readonly value: Uint8Array;
  readonly revision: number;
  /** As the last write gave it, in whole Unix milliseconds; absent where that one gave none. */
  readonly expiresAt?: number;
}

export interface StoredItem extends StoredValue {
  readonly key: string;
}
