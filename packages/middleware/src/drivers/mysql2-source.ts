import type { PrunableCompletions } from './asked-completions.ts';
import { announceSource, type CommitSource } from './driver.ts';
import { completionsOf } from './mysql2-completions.ts';
import { type Connect, mysql2Service } from './mysql2-service.ts';
import type { Mysql2Observation } from './mysql2-session.ts';

/** A database that gates know of, and may ask on connections of the driver's own. */
export interface Mysql2Source {
  readonly completions: PrunableCompletions;
  /** Takes it back from the gates, and closes those connections. */
  close(): void;
}

/** Makes an observed database known to gates, with its completion rows. */
export function announceMysql2(
  connect: Connect,
  observation: Mysql2Observation,
  about: Pick<CommitSource, 'server' | 'connections' | 'waiting'>,
): Mysql2Source {
  const questions = mysql2Service(connect, observation.partition);
  const waiting = mysql2Service(connect, observation.partition);
  const completions = completionsOf(questions, waiting, observation);
  const { partition } = observation;
  const withdraw = announceSource({ partition, driver: 'mysql2', ...about, probe: undefined, completions });
  return {
    completions,
    close() {
      withdraw();
      questions.close();
      waiting.close();
    },
  };
}
