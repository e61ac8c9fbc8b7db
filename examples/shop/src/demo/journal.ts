/** What the callers know of one request: theirs is the other side of the account. */
export interface JournalEntry {
  readonly reference: string;
  readonly workType: string;
  /** How often the shop said "retry later" and the request was sent again. */
  retries: number;
  /** Id of the deferral, from when a 202 was received. */
  deferral: string | undefined;
  /** Status of the final answer, once there is one. */
  status: number | undefined;
  /** What a deferral can be proved by. */
  proof: { readonly receipt: string; readonly entry: string } | undefined;
  /** Why there is no final answer. */
  failure: string | undefined;
}

/** Every request that the callers sent, by its reference. */
export class Journal {
  readonly entries: JournalEntry[] = [];

  open(reference: string, workType: string): JournalEntry {
    const entry: JournalEntry = {
      reference,
      workType,
      retries: 0,
      deferral: undefined,
      status: undefined,
      proof: undefined,
      failure: undefined,
    };
    this.entries.push(entry);
    return entry;
  }

  /** Requests that still wait for their final answer. */
  get waiting(): number {
    return this.entries.filter(({ status, failure }) => status === undefined && failure === undefined).length;
  }
}
