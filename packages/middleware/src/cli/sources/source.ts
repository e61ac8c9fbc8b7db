/** A ledger to be read, wherever it lies. Nothing that it gives is verified. */
export interface LedgerSource {
  /** For people: without passwords. */
  readonly shown: string;
  /**
   * The signed head that the place shows, a C2SP checkpoint; undefined where a ledger's blocks say it all, for then the newest
   * one has it. What is read goes as far as this head.
   */
  readonly checkpoint: string | undefined;
  /** How many entries there are to be read, for people. */
  readonly size: number;
  /** The blocks' texts by height; absent where the place has none. */
  readonly blocks?: () => AsyncIterable<string>;
  /** The entries from the first one on, page by page; absent where they are not to be had. */
  readonly entries?: () => AsyncIterable<readonly Uint8Array[]>;
  /** The hashes of the leaves, page by page; absent where the entries are all there is. */
  readonly leafHashes?: () => AsyncIterable<readonly Uint8Array[]>;
  /** The notes of changes of the signing key, where the place has them apart from the entries. */
  readonly rotations?: () => Promise<readonly unknown[]>;
  /** One entry; undefined where there is no such one. */
  readonly entry?: (index: number) => Promise<Uint8Array | undefined>;
  /** One block's text; undefined where there is no such one. */
  readonly block?: (height: number) => Promise<string | undefined>;
  close(): Promise<void>;
}
