import { announceSource, type CommitSource } from './driver.ts';
import { completionsOf, type Mysql2Completions } from './mysql2-completions.ts';
import { type Connect, Mysql2Service } from './mysql2-service.ts';
import type { Mysql2Observation } from './mysql2-session.ts';

/** A database that gates know of, and may ask on connections of the driver's own. */
export interface Mysql2Source {
  readonly completions: Mysql2Completions;
  /** Takes it back from the gates, and closes those connections. */
  close(): void;
}

/** Makes an observed database known to gates, with its completion rows. */
export function announceMysql2(
  connect: Connect,
  observation: Mysql2Observation,
  about: Pick<CommitSource, 'server' | 'connections' | 'waiting'>,
): Mysql2Source {
  const questions = new Mysql2Service(connect, observation.partition);
  const waiting = new Mysql2Service(connect, observation.partition);
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
