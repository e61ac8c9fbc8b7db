/** A request or queued item that was let through, until it has ended. */
export interface Entry {
  /** Whether anybody waits for its end. */
  readonly counted: boolean;
  /** A transaction or autocommit write of it began on that partition. */
  wrote(partition: string): void;
  /** Called once. */
  finished(): void;
}

/** The entry of a request that nobody needs to keep count of. */
export const uncounted: Entry = { counted: false, wrote() {}, finished() {} };

/** The entry of a request that was let through on several partitions. */
export function together(entries: readonly Entry[]): Entry {
  return {
    counted: true,
    wrote(partition) {
      for (const entry of entries) entry.wrote(partition);
    },
    finished() {
      for (const entry of entries) entry.finished();
    },
  };
}
