import type { Clock, Timer } from '../clock.ts';
import { type CommitSource, commitSources, sourceObserved } from '../drivers/driver.ts';

/** How long after a database could not be asked it is asked again, ms: at first, and at most. */
const againMs = 1_000;
const againCapMs = 30_000;

/** Looks at completion tables, until it is ended. */
export interface TableLook {
  begin(): void;
  close(): void;
}

/**
 * Looks at the completion tables of all sources, those to come too, while nobody waits for it: creates what may be created,
 * and knows of the rest that it is there before it is needed, which may be when the database is gone. One that could not be
 * asked is asked again; that a table is missing is an answer.
 */
export function lookAtCompletionTables(clock: Pick<Clock, 'after'>): TableLook {
  const timers = new Map<CommitSource, Timer>();
  let isOpen = false;

  function look(source: CommitSource, nextMs: number): void {
    timers.delete(source);
    source.completions?.ready().catch((error: unknown) => {
      const isAnswer = (error as { readonly code?: unknown } | null)?.code === 'completion-table-missing';
      if (isAnswer || !isOpen || ![...commitSources()].includes(source)) return;
      timers.set(
        source,
        clock.after(nextMs, () => look(source, Math.min(2 * nextMs, againCapMs))),
      );
    });
  }

  const onObserved = (message: unknown): void => look(message as CommitSource, againMs);

  return {
    begin() {
      if (isOpen) return;
      isOpen = true;
      sourceObserved.subscribe(onObserved);
      for (const source of commitSources()) look(source, againMs);
    },
    close() {
      isOpen = false;
      sourceObserved.unsubscribe(onObserved);
      for (const timer of timers.values()) timer.cancel();
      timers.clear();
    },
  };
}
