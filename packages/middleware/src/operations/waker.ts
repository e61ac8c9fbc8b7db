import type { Clock, Timer } from '../clock.ts';

/**
 * Runs a piece of work whenever it is woken, one at a time, and once more where it was woken while it ran. What wakes it within one turn of the event
 * loop is one work: tasks that end together are recorded together.
 */
export class Waker {
  readonly #clock: Clock;
  readonly #work: () => Promise<void>;
  readonly #failed: (error: unknown) => void;
  readonly #ended: () => void;
  #isRunning = false;
  #isWanted = false;
  #isStopped = false;
  #timer: { readonly timer: Timer; readonly at: number } | undefined;

  /** @param ended called whenever the work was done, as often as it was wanted, or failed */
  constructor(
    clock: Clock,
    work: () => Promise<void>,
    failed: (error: unknown) => void,
    ended: () => void = () => {},
  ) {
    this.#clock = clock;
    this.#work = work;
    this.#failed = failed;
    this.#ended = ended;
  }

  /** Whether it neither runs nor will, unless it is woken. */
  get isIdle(): boolean {
    return !this.#isRunning && this.#timer === undefined;
  }

  /** Runs the work soon. */
  wake(): void {
    this.#isWanted = true;
    if (this.#isRunning || this.#isStopped) return;
    this.#isRunning = true;
    void this.#run();
  }

  /** Runs the work at that time, Unix milliseconds, unless it is woken before. The earliest of several counts. */
  wakeAt(at: number): void {
    if (this.#isStopped || (this.#timer !== undefined && this.#timer.at <= at)) return;
    this.#timer?.timer.cancel();
    const delayMs = Math.min(Math.max(1, at - this.#clock.wallNow()), longestMs);
    const timer = this.#clock.after(delayMs, () => {
      this.#timer = undefined;
      this.wake();
    });
    this.#timer = { timer, at };
  }

  /** Nothing runs any more. */
  stop(): void {
    this.#isStopped = true;
    this.#timer?.timer.cancel();
  }

  async #run(): Promise<void> {
    try {
      while (this.#isWanted && !this.#isStopped) {
        await new Promise((resolve) => setImmediate(resolve));
        this.#isWanted = false;
        await this.#work();
      }
    } catch (error) {
      this.#failed(error);
    } finally {
      this.#isRunning = false;
    }
    this.#ended();
  }
}

/** What a timer takes; it then looks again. */
const longestMs = 2 ** 31 - 1;
