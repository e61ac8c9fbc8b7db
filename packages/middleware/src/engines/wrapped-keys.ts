/**
 * The contract of the wrapped keys: small values that can be destroyed. They lie apart from log, store and queue, so that a
 * backup of those, put back, brings no destroyed one back.
 *
 * Law:
 * - Keys are those of the store (store.ts). Values are at most 1,024 bytes and never expire.
 * - Durable and atomic per call, like the log; `create` and `update` are compare-and-set, also between processes.
 * - Read-your-writes: `get` shows every write that has resolved, of any process.
 * - When `destroy` has resolved, no call of any process gives the value again, and the engine has asked for every copy of
 *   it that it made to be overwritten, as far as what it lives on does that. Destroying what is not there is no error.
 * - Its callers make nothing again under a key that was destroyed.
 * - Errors: `EngineError`. With `fate: 'unknown'` the write may have been done.
 */
export interface WrappedKeys {
  get(key: string): Promise<WrappedKey | undefined>;
  /** Resolves with the revision, or undefined where the key exists. */
  create(key: string, value: Uint8Array): Promise<number | undefined>;
  /** Resolves with the new revision, or undefined where the key's revision is another by now. */
  update(key: string, value: Uint8Array, revision: number): Promise<number | undefined>;
  /** Resolves with whether it was there. */
  destroy(key: string): Promise<boolean>;
  /** Ascending by bytes, after `after` if given. May give fewer than `limit` (1 to 1,000), but none only where there are no more. */
  list(options: {
    readonly limit: number;
    readonly after?: string;
  }): Promise<readonly (WrappedKey & { readonly key: string })[]>;
}

/** A wrapped key as it is kept. */
export interface WrappedKey {
  readonly value: Uint8Array;
  readonly revision: number;
}

/** The longest value. */
export const mostWrappedKeyBytes = 1_024;
