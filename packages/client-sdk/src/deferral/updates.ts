import type { DeferralResource } from '@slackwater/shared';
import type { DeferralSession } from './session.ts';
import { isOver } from './settlement.ts';

/** As many changes as are kept for a reader that is slower than they come: of more, the oldest are left out. */
const mostKept = 100;

/**
 * The deferral as it is, and each change of it, until nothing more can become of it. `wait` waits for that; what it throws is thrown after the changes
 * before.
 */
export async function* updatesOf(
  session: DeferralSession,
  wait: () => Promise<void>,
): AsyncGenerator<DeferralResource, void, undefined> {
  const changes: DeferralResource[] = session.resource === undefined ? [] : [session.resource];
  let wake: () => void = () => {};
  const stop = session.listen((resource) => {
    changes.push(resource);
    if (changes.length > mostKept) changes.shift();
    wake();
  });
  let ended = false;
  const waiting = wait().finally(() => {
    ended = true;
    wake();
  });
  waiting.catch(() => {});
  try {
    for (;;) {
      const next = changes.shift();
      if (next !== undefined) {
        yield next;
        if (isOver(next)) return;
      } else if (ended) {
        await waiting;
        return;
      } else {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
    }
  } finally {
    stop();
  }
}
