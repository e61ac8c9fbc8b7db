/**
 * The log contract: an append-only sequence of byte strings. The append is the commit point of everything
 * that the ledger says.
 *
 * Law:
 * - Durable: when `append` has resolved, the entries survive `kill -9` and, as far as the engine's word
 *   `durable` goes, the loss of power or of a minority of servers.
 * - Atomic: a batch is there whole or not at all, and its entries are neighbours.
 * - Ordered: the engine gives the positions, from 0, without gaps. Batches of several callers and several
 *   processes are ordered by the engine; one caller's batches in the order of its calls.
 * - Read-your-writes: `read` and `size` show every append that has resolved, of any process.
 * - What was appended never changes.
 * - Errors: `EngineError`. With `fate: 'unknown'` the batch may be there; the log tells after reading again.
 */
export interface EngineLog {
  /**
   * Appends a batch of 1 to 1,000 entries of at most 65,535 bytes each, 512 KiB together: what a server takes in one
   * message. Resolves with the first one's position.
   */
  append(entries: readonly Uint8Array[]): Promise<{ readonly first: number }>;
  /**
   * Appends a batch as `append` does and creates a key of the store as `create` does: both or neither, and only if the batch's
   * first position is `first`, the key is not there, and the key `behind`, if one is given, has just that value. Resolves
   * with whether it did. Calls are done in their order, each against what the calls before it left: so a second may be begun
   * before the first has resolved, and where the first was not done, neither is the second. Absent where an engine can't do
   * the two as one.
   */
  appendSealed?:
    | ((
        entries: readonly Uint8Array[],
        first: number,
        key: string,
        value: Uint8Array,
        behind: KeyWithValue | undefined,
      ) => Promise<boolean>)
    | undefined;
  /**
   * The entries from position `from` on, at most `limit` (1 to 10,000). May give fewer so that an answer stays
   * within some 16 MiB, but none only beyond the end.
   */
  read(from: number, limit: number): Promise<readonly Uint8Array[]>;
  /** How many entries there are. */
  size(): Promise<number>;
}

/** A key of the store, and the bytes that it has. */
export interface KeyWithValue {
  readonly key: string;
  readonly value: Uint8Array;
}
