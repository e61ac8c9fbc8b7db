import type { Clock } from '../../clock.ts';
import type { EngineThread } from './engine-thread.ts';

/** One thread for everything that is open at a time, and none while nothing is. */
export class SharedThread {
  readonly #start: (clock: Clock) => EngineThread;
  #current: { readonly thread: EngineThread; users: number } | undefined;

  constructor(start: (clock: Clock) => EngineThread) {
    this.#start = start;
  }

  /** Gives the thread and the function to let it go with, to be called once. */
  take(clock: Clock): { thread: EngineThread; release: () => Promise<void> } {
    this.#current ??= { thread: this.#start(clock), users: 0 };
    const current = this.#current;
    current.users += 1;
    const release = async (): Promise<void> => {
      current.users -= 1;
      if (current.users > 0) return;
      if (this.#current === current) this.#current = undefined;
      await current.thread.close();
    };
    return { thread: current.thread, release };
  }
}
