import type { PrunableCompletions } from './asked-completions.ts';
import { announceSource } from './driver.ts';
import { serverOf } from './pg-address.ts';
import type { PgClient } from './pg-client.ts';
import { completionsOf } from './pg-completions.ts';
import type { ObserveOptions } from './pg-options.ts';
import { probeOf } from './pg-probe.ts';
import { type PgHome, serviceConnection } from './pg-service.ts';
import type { PgObservation } from './pg-session.ts';

/** A database that gates know of, and may ask on connections of the driver's own. */
export interface PgSource {
  readonly completions: PrunableCompletions;
  /** Takes it back from the gates, and closes those connections. */
  close(): void;
}

/** What is known of the connections that the application itself has there. */
export interface PgConnections {
  readonly connections: number | undefined;
  readonly waiting?: () => number;
}

/** Makes an observed database known to gates, with its probe and its completion rows. */
export function announcePg(
  home: PgHome,
  observation: PgObservation,
  { probeTimeoutMs = 2_000 }: Pick<ObserveOptions, 'probeTimeoutMs'>,
  counts: PgConnections,
): PgSource {
  const questions = serviceConnection(home, observation.partition);
  const waiting = serviceConnection(home, observation.partition);
  const probing = serviceConnection(home, observation.partition);
  const completions = completionsOf(questions, waiting, observation);
  const withdraw = announceSource({
    partition: observation.partition,
    driver: 'pg',
    server: serverOf(addressed(home)),
    ...counts,
    probe: probeOf(probing, probeTimeoutMs),
    completions,
  });
  return {
    completions,
    close() {
      withdraw();
      for (const service of [questions, waiting, probing]) service.close();
    },
  };
}

/** A client that is never connected knows what options and environment come to. */
export function addressed(home: PgHome): PgClient {
  return new home.Client(home.options);
}
