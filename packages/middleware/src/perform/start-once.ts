import type { Clock } from '../clock.ts';

/** Something that is begun once, and tried again where that fails; and what goes on from there. */
export interface StartOnce {
  /** Begins, or gives the beginning that is under way; goes on, if it may. Rejects where the beginning fails. */
  start(): Promise<void>;
  /** The same, without anybody who waits: after a failure it is tried again by itself. */
  startByItself(): void;
  /** Whether the last beginning failed. */
  readonly failed: boolean;
  /** From then on it does not begin by itself, and does not go on. */
  stop(): void;
}

const againMs = 1_000;

/** @param after what follows once on `begin`, `when` that is possible: asked each time that anybody would start it */
export function startOnce(
  clock: Pick<Clock, 'after'>,
  begin: () => Promise<void>,
  after: { readonly when: () => boolean; readonly goOn: () => void },
  onFailed: (error: unknown) => void,
): StartOnce {
  let starting: Promise<void> | undefined;
  let failed = false;
  let stopped = false;
  /** A failure waits to be tried again: whoever comes meanwhile must not make it be tried more often. */
  let waiting = false;
  let phase: 'beginning' | 'begun' | 'gone on' = 'beginning';

  async function attempt(): Promise<void> {
    try {
      await begin();
      failed = false;
      phase = 'begun';
    } catch (error) {
      starting = undefined;
      failed = true;
      throw error;
    }
  }

  function goOnOnce(): void {
    if (phase !== 'begun' || stopped || !after.when()) return;
    phase = 'gone on';
    after.goOn();
  }

  async function start(): Promise<void> {
    starting ??= attempt();
    await starting;
    goOnOnce();
  }

  function startByItself(): void {
    goOnOnce();
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
