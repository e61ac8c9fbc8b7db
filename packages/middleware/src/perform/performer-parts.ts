import type { Clock } from '../clock.ts';
import type { Completions } from '../drivers/driver.ts';
import type { EngineQueue } from '../engines/queue.ts';
import type { Deferral, DeferralLedger } from '../ledger/deferral.ts';
import type { Admission } from './admission.ts';
import type { MissingRoutes } from './missing-routes.ts';
import type { OwnWork } from './parts/own-work.ts';
import type { PerformerEvent } from './performer-events.ts';
import type { PerformerOptions } from './performer-options.ts';
import type { PausesToHeed } from './queue-pauses.ts';
import type { Replay } from './replay.ts';
import type { RunEnds } from './run-ends.ts';

/** What the performer works with. */
export interface PerformerParts {
  readonly queue: EngineQueue;
  readonly ledger: Pick<DeferralLedger, 'find' | 'readRequest' | 'step'>;
  readonly admission: Admission;
  readonly replay: Replay;
  /**
   * Where a partition's completion rows are. `at-least-once`: its driver can't keep them, and the route gets
   * the completion key to hand on. Undefined: nobody observes the partition, so that its items wait.
   */
  readonly completionsOf: (partition: string) => Completions | 'at-least-once' | undefined;
  readonly clock: Clock;
  readonly options: PerformerOptions;
  /** How many transactions the deferral's route was seen to take. */
  readonly knownTransactions: (deferral: Deferral) => number | undefined | Promise<number | undefined>;
  /** Told how many transactions the deferral's route took, each time it went well. */
  readonly learnTransactions: (deferral: Deferral, count: number) => void | Promise<void>;
  /** Told where the deferral's route answered with success and nothing of it was seen to be committed, though its partition has completion rows. */
  readonly unwitnessed: (deferral: Deferral) => void;
  /** Whether the deferral's route says that it may be repeated from its start. */
  readonly repeatable: (deferral: Deferral) => boolean;
  /** What is performed beside requests. */
  readonly own: OwnWork;
  /** Runs of operations that deferrals are left to. */
  readonly runs: RunEnds;
  readonly pauses: PausesToHeed;
  readonly missingRoutes: MissingRoutes;
  /** From 0 up to, not including, 1. */
  readonly random: () => number;
  /** Who claims, for people to read. */
  readonly holder: string;
  /** Must not throw. */
  readonly tell: (event: PerformerEvent) => void;
}
