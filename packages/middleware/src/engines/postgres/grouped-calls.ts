import { EngineError } from '../engine-error.ts';

/** How many calls, and bytes, one transaction takes. */
const mostCalls = 500;
const mostBytes = 4 * 1024 * 1024;

/** How many calls, and bytes, may wait for their turn in each kind of call. */
const mostCallsWaiting = 20_000;
const mostBytesWaiting = 64 * 1024 * 1024;

/** A call that waits. */
interface Waiting<Call, Answer> {
  readonly call: Call;
  readonly bytes: number;
  readonly key: string | undefined;
  resolve(answer: Answer): void;
  reject(error: unknown): void;
}

/** How calls of one kind are performed together. */
export interface Grouping<Call, Answer> {
  /** Performs calls in one transaction and gives an answer for each, in their order. */
  perform(calls: readonly Call[]): Promise<readonly Answer[]>;
  /** Of calls with the same key no two are in one transaction. */
  keyOf?(call: Call): string;
  /** Whether an error may be one call's fault alone, so that the others are worth another try without it. */
  isOneCalls?(error: unknown): boolean;
}

/**
 * Group commit: the calls of one kind that come while a transaction is under way share the next one, in their order.
 * That is what makes it fast: the server syncs once for all of them.
 */
export class GroupedCalls<Call, Answer> {
  readonly #grouping: Grouping<Call, Answer>;
  #waiting: Waiting<Call, Answer>[] = [];
  #bytes = 0;
  #running: Promise<void> | undefined;

  constructor(grouping: Grouping<Call, Answer>) {
    this.#grouping = grouping;
  }

  /** Performs a call with the next ones. `bytes`: how large it is. */
  add(call: Call, bytes = 0): Promise<Answer> {
    if (this.#waiting.length >= mostCallsWaiting || this.#bytes + bytes > mostBytesWaiting) {
      const waiting = `${this.#waiting.length} calls of ${this.#bytes} bytes already wait for the server`;
      return Promise.reject(new EngineError('engine-unavailable', 'none', `${waiting}; try again later`));
    }
    return new Promise((resolve, reject) => {
      const key = this.#grouping.keyOf?.(call);
      this.#waiting.push({ call, bytes, key, resolve, reject });
      this.#bytes += bytes;
      this.#running ??= this.#run();
    });
  }

  /** Resolves when no call waits or is under way. */
  async idle(): Promise<void> {
    while (this.#running !== undefined) await this.#running;
  }

  async #run(): Promise<void> {
    // The calls of this very turn share the first transaction.
    await Promise.resolve();
    while (this.#waiting.length > 0) await this.#perform(this.#take());
    this.#running = undefined;
  }

  /** The first that wait: as many as one transaction takes, up to one that must not share it. */
  #take(): Waiting<Call, Answer>[] {
    const keys = new Set<string>();
    let bytes = 0;
    let count = 0;
    for (const waiting of this.#waiting) {
      if (count === mostCalls || (count > 0 && bytes + waiting.bytes > mostBytes)) break;
      if (waiting.key !== undefined) {
        if (keys.has(waiting.key)) break;
        keys.add(waiting.key);
      }
      bytes += waiting.bytes;
      count += 1;
    }
    this.#bytes -= bytes;
    return this.#waiting.splice(0, count);
  }

  async #perform(group: readonly Waiting<Call, Answer>[]): Promise<void> {
    try {
      const answers = await this.#grouping.perform(group.map(({ call }) => call));
      group.forEach((waiting, index) => {
        waiting.resolve(answers[index] as Answer);
      });
    } catch (error) {
      const mayBeOnes = group.length > 1 && this.#grouping.isOneCalls?.(error) === true;
      if (mayBeOnes) for (const waiting of group) await this.#perform([waiting]);
      else for (const waiting of group) waiting.reject(error);
    }
  }
}
