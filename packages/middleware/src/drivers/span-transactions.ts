/** A transaction, as far as the spans of its trace show it. */
export interface SpanTransaction {
  /** The span that its BEGIN was called in. */
  readonly parent: string | undefined;
  wrote: boolean;
  /** A statement of it failed, so that its COMMIT is a ROLLBACK. */
  aborted: boolean;
}

/** Traces beyond these are forgotten, the oldest first. */
const mostTraces = 10_000;
/** The same of transactions in one trace. */
const mostTransactions = 100;

/**
 * The open transactions of each trace. Spans do not say which connection they are about, so what belongs to which transaction
 * is told by trace and parent.
 */
export class SpanTransactions {
  readonly #open = new Map<string, SpanTransaction[]>();

  begin(trace: string, parent: string | undefined): SpanTransaction {
    const transaction = { parent, wrote: false, aborted: false };
    const open = this.#open.get(trace) ?? [];
    this.#open.delete(trace);
    this.#open.set(trace, [...open.slice(-mostTransactions + 1), transaction]);
    if (this.#open.size > mostTraces) {
      const [oldest] = this.#open.keys();
      if (oldest !== undefined) this.#open.delete(oldest);
    }
    return transaction;
  }

  /** That of the same parent, else the one that was begun last. */
  find(trace: string, parent: string | undefined): SpanTransaction | undefined {
    const open = this.#open.get(trace);
    return open?.findLast((transaction) => transaction.parent === parent) ?? open?.at(-1);
  }

  end(trace: string, transaction: SpanTransaction): void {
    const left = this.#open.get(trace)?.filter((other) => other !== transaction) ?? [];
    if (left.length > 0) this.#open.set(trace, left);
    else this.#open.delete(trace);
  }

  clear(): void {
    this.#open.clear();
  }
}
