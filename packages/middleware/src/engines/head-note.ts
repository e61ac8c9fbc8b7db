/**
 * Where a host notes the newest head that it saw signed. It lies apart from the ledger, so that an older copy of the ledger
 * that is put back does not bring an older note with it. One host's processes share one; of two notes the later counts.
 */
export interface HeadNote {
  /** Where it is, for messages. */
  readonly place: string;
  /** The text that was written last, whole; undefined where there is none. Rejects where it can't be read. */
  read(): Promise<string | undefined>;
  /** Durable when it resolves, and never there in part. Rejects where it can't be written. */
  write(checkpoint: string): Promise<void>;
}
