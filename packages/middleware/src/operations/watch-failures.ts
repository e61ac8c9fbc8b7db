import type { EngineLog } from '../engines/log.ts';
import { type LogReading, readFrom, readOn, readUpTo } from '../engines/read-on.ts';
import { FailureIndex } from './failure-index.ts';
import { type FailureRule, isCrossing, neededFailures, rulesFor } from './failure-rule.ts';
import { failuresIn } from './failures-in.ts';
import { firstSince } from './first-since.ts';
import { type TellParts, tellFailing } from './tell-failing.ts';

// How often tasks fail is read from the log, whoever ran them: page after page, in its order, by one process at a time. So all processes
// count together, and what was counted is there after a restart.

const name = 'failures';
const perPage = 1_000;
/** Rather than read more than so many entries, one looks where those are that still count. */
const farBehind = 10_000;
/** By so much clocks of hosts may differ, ms. */
const slackMs = 60_000;

/** What {@link watchFailures} takes. */
export interface WatchParts extends TellParts {
  readonly rules: readonly FailureRule[];
}

/**
 * Reads what the log has had since this was called last, by whichever process, and records each type of task that failed too often by then. Rejects
 * with an `EngineError`.
 */
export async function watchFailures(parts: WatchParts): Promise<void> {
  const { clock, log, store, rules } = parts;
  if (rules.length === 0) return;
  const reading: LogReading = { name, clock, log, store, perPage };
  // A failure counts in the windows that end within one after it; and so do those before it.
  const countsForMs = 2 * Math.max(...rules.map(({ windowMs }) => windowMs)) + slackMs;
  await catchUp(reading, log, clock.wallNow() - countsForMs);
  const index = new FailureIndex(store);
  await readOn(reading, async (entries, from, isMyTurn) => {
    for (const [task, failures] of failuresIn(entries, from)) {
      const applied = rulesFor(rules, task);
      if (applied.length === 0) continue;
      const most = Math.max(...applied.map(neededFailures));
      const before = await index.newestBefore(task, from, most);
      await index.keep(task, failures, clock.wallNow() + countsForMs);
      const newestFirst = [...failures.toReversed(), ...before];
      for (let last = failures.length - 1; last >= 0; last -= 1) {
        const upTo = newestFirst.slice(last, last + most);
        const times = upTo.map(({ at }) => at);
        for (const rule of applied) {
          if (!isCrossing(times.slice(0, neededFailures(rule)), rule)) continue;
          // Who was overtaken leaves the rest to whoever did that.
          if (!(await isMyTurn())) throw new Error('another process reads the failures of tasks by now');
          await tellFailing(parts, task, rule, upTo);
        }
      }
    }
  });
}

/** Leaves out what counts no more: where nobody looked for long, or nobody ever did. */
async function catchUp(
  reading: LogReading,
  log: Pick<EngineLog, 'read' | 'size'>,
  sinceMs: number,
): Promise<void> {
  const upTo = await readUpTo(reading);
  if (upTo !== undefined && (await log.size()) - upTo <= farBehind) return;
  await readFrom(reading, await firstSince(log, sinceMs));
}
