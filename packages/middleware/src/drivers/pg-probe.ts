import { systemClock } from '../clock.ts';
import type { PgClient } from './pg-client.ts';
import type { ServiceConnection } from './pg-service.ts';
import type { PgObservation } from './pg-session.ts';

const probeSql = "SELECT pg_logical_emit_message(true, 'slackwater', 'probe')";

/** How long an unanswered probe is waited for before its connection is given up. */
const giveUpAfterMs = 30_000;

/**
 * Commits one small write on a connection of its own and publishes it, in the way the partition's own commits
 * are made, so that it counts in the window that is looked at. Rejects after `timeoutMs` without an answer;
 * the commit stays under way, and the next call waits for the same one: a stalled database is not given more
 * and more of them.
 */
export function probeOf(
  service: ServiceConnection,
  observation: PgObservation,
  observe: (client: PgClient) => void,
  timeoutMs: number,
): () => Promise<void> {
  let underWay: Promise<void> | undefined;

  async function commit(client: PgClient): Promise<void> {
    observe(client);
    const explicit = observation.lastKind === 'explicit';
    if (!explicit) await client.query(probeSql);
    else {
      await client.query('BEGIN');
      try {
        await client.query(probeSql);
      } catch (error) {
        await client.query('ROLLBACK');
        throw error;
      }
      await client.query('COMMIT');
    }
  }

  function begin(): Promise<void> {
    const giveUp = systemClock.after(giveUpAfterMs, () => service.close());
    const probe = service.use(commit).finally(() => {
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
