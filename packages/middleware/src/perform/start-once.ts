import type { Clock } from '../clock.ts';

/** Something that is begun once, and tried again where that fails. */
export interface StartOnce {
  /** Begins, or gives the beginning that is under way. Rejects where it fails. */
  start(): Promise<void>;
  /** The same, without anybody who waits: after a failure it is tried again by itself. */
  startByItself(): void;
  /** Whether the last beginning failed. */
  readonly failed: boolean;
  /** From then on it does not begin by itself. */
  stop(): void;
}

const againMs = 1_000;

export function startOnce(
  clock: Pick<Clock, 'after'>,
  begin: () => Promise<void>,
  onFailed: (error: unknown) => void,
): StartOnce {
  let starting: Promise<void> | undefined;
  let failed = false;
  let stopped = false;
  /** A failure waits to be tried again: whoever comes meanwhile must not make it be tried more often. */
  let waiting = false;

  async function attempt(): Promise<void> {
    try {
      await begin();
      failed = false;
    } catch (error) {
      starting = undefined;
      failed = true;
      throw error;
    }
  }

  function start(): Promise<void> {
    starting ??= attempt();
    return starting;
  }

  function startByItself(): void {
    if (starting !== undefined || waiting || stopped) return;
    start().catch((error: unknown) => {
      onFailed(error);
      if (waiting) return;
      waiting = true;
      clock.after(againMs, () => {
        waiting = false;
        startByItself();
      });
    });
  }

  return {
    start,
    startByItself,
    get failed() {
      return failed;
    },
    stop() {
      stopped = true;
    },
  };
}
