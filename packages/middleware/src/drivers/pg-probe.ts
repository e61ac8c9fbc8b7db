import { systemClock } from '../clock.ts';
import type { ServiceConnection } from './pg-service.ts';

const probeSql = "SELECT pg_logical_emit_message(true, 'slackwater', 'probe')";

/** How long an unanswered probe is waited for before its connection is given up. */
const giveUpAfterMs = 30_000;

/**
 * Commits one small write on a connection of its own and tells how long the database took over it. Rejects after
 * `timeoutMs` without an answer; the commit stays under way, and the next call waits for the same one: a stalled
 * database is not given more and more of them.
 */
export function probeOf(service: ServiceConnection, timeoutMs: number): () => Promise<number> {
  let underWay: Promise<number> | undefined;

  function begin(): Promise<number> {
    const giveUp = systemClock.after(giveUpAfterMs, () => service.close());
    const probe = service
      .use(async (client) => {
        const startedAt = systemClock.now();
        await client.query(probeSql);
        return systemClock.now() - startedAt;
      })
      .finally(() => {
        giveUp.cancel();
        underWay = undefined;
      });
    underWay = probe;
    return probe;
  }

  return () =>
    new Promise((resolve, reject) => {
      const timer = systemClock.after(timeoutMs, () =>
        reject(new Error(`The probe had no answer within ${timeoutMs} ms.`)),
      );
      (underWay ?? begin()).then(resolve, reject).finally(() => timer.cancel());
    });
}
