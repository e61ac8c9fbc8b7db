import type { Clock } from '../clock.ts';

/** What became of a call. */
export type CallEnd<Answer = unknown> =
  | { readonly end: 'answered'; readonly answer: Answer }
  | { readonly end: 'threw'; readonly error: unknown }
  /** It may still go on. */
  | { readonly end: 'timed-out' };

/**
 * Calls a function and waits for its end, but not for longer than `limitMs`. What it throws at once counts as what it rejects with. The
 * signal is aborted when the time is up. Never rejects.
 */
export async function callInTime<Answer>(
  clock: Pick<Clock, 'after'>,
  limitMs: number,
  abort: AbortController,
  call: () => Answer | PromiseLike<Answer>,
): Promise<CallEnd<Answer>> {
  return new Promise((resolve) => {
    const timer = clock.after(limitMs, () => {
      resolve({ end: 'timed-out' });
      abort.abort();
    });
    const ended = (end: CallEnd<Answer>): void => {
      timer.cancel();
      resolve(end);
    };
    new Promise<Answer>((answer) => answer(call())).then(
      (answer) => ended({ end: 'answered', answer }),
      (error: unknown) => ended({ end: 'threw', error }),
    );
  });
}
