import { systemClock as clock } from '../clock.ts';
import { repeat } from '../ledger/repeat.ts';
import { storedRuns } from '../operations/stored-runs.ts';
import type { TaskFailingEvent } from '../operations/tell-failing.ts';
import { watchFailures } from '../operations/watch-failures.ts';
import type { ResolvedOptions } from '../options/resolved.ts';
import type { OpenGroup } from './resource-group.ts';

const lookEveryMs = 1_000;

/** Looks how often tasks fail. */
export interface FailureLooks {
  /** A task failed here: looks at once. */
  kick(): void;
  stop(): Promise<void>;
}

/** Begins to look in a ledger for types of tasks that fail too often; each is recorded, and told. */
export function lookForFailures(
  { failureAlerts: rules }: Pick<ResolvedOptions, 'failureAlerts'>,
  { engine, ledger }: Pick<OpenGroup, 'engine' | 'ledger'>,
  tell: (event: TaskFailingEvent) => void,
  onFailed: (error: unknown) => void,
): FailureLooks {
  const { log, store } = engine;
  const parts = { rules, clock, log, store, records: ledger.operations, stored: storedRuns(store), tell };
  let looking: Promise<void> | undefined;
  let isAskedAgain = false;

  function look(): Promise<void> {
    isAskedAgain = looking !== undefined;
    looking ??= watchFailures(parts)
      .catch(onFailed)
      .finally(() => {
        looking = undefined;
        if (isAskedAgain && !isStopped) void look();
      });
    return looking;
  }

  let isStopped = false;
  const looks = repeat(clock, lookEveryMs, look, undefined);
  return {
    kick: () => void look(),
    async stop() {
      isStopped = true;
      await Promise.all([looks.stop(), looking]);
    },
  };
}
