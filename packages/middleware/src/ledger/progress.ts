// Which entries have been carried over into states and queue? Entries complete out of order and those of other processes
// not by us at all, so it is a mark below which all are complete, and what lies beyond it.

const mostBeyond = 100_000;

/** How far states and queue are known to agree with the log. */
export interface Progress {
  /** Below this position all entries are complete. */
  readonly mark: number;
  /** The entry at that position is complete. */
  complete(position: number): void;
  /** Whether it is known to be complete. May be false for one that is: looking again does no harm. */
  isComplete(position: number): boolean;
  /** All entries below `position` are complete. */
  completeBelow(position: number): void;
  /** Order keys (queue names) of entries that could not be enqueued yet: nothing of the same key may overtake them. */
  readonly heldOrderKeys: Set<string>;
}

/** Progress from a mark on. */
export function startProgress(from: number): Progress {
  const beyond = new Set<number>();
  const heldOrderKeys = new Set<string>();
  let mark = from;

  function advance(): void {
    while (beyond.delete(mark)) mark += 1;
  }

  return {
    get mark() {
      return mark;
    },
    heldOrderKeys,
    complete(position) {
      if (position < mark) return;
      // What is forgotten here is only looked at once more.
      if (beyond.size >= mostBeyond) beyond.clear();
      beyond.add(position);
      advance();
    },
    isComplete: (position) => position < mark || beyond.has(position),
    completeBelow(position) {
      if (position <= mark) return;
      mark = position;
      for (const known of beyond) if (known < mark) beyond.delete(known);
      advance();
    },
  };
}
