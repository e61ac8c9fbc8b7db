import type { Clock } from '../../clock.ts';
import type { AdmissionAnswer } from '../admission.ts';
import type { ResolvedBatch } from './batch-options.ts';
import type { ItemHistories } from './item-histories.ts';
import type { ItemSource } from './item-sources.ts';
import type { PartitionStanding } from './judge-batch.ts';

/** What a batch learns of partitions, and how it stands in line with requests; of its own work type. */
export interface BatchDesk {
  /** Where it stands, looked at now: on those partitions, or on all that this host knows. */
  standings(of?: ReadonlySet<string>): readonly PartitionStanding[];
  /** Whether one call would be let through there now. Changes nothing. */
  wouldAdmit(partition: string): boolean;
  /** Asks for one call. */
  admit(partition: string): AdmissionAnswer;
  /** Whether what would be postponed is let through. */
  isShadow(): boolean;
  /** Runs work on the batch's behalf, so that drivers know whose it is and tell `wrote` where it writes. */
  actFor<Result>(wrote: (partition: string) => void, work: () => Result): Result;
}

/** What every run of a batch works with. */
export interface RunParts {
  readonly clock: Clock;
  readonly options: ResolvedBatch;
  readonly source: ItemSource;
  readonly histories: ItemHistories;
  readonly desk: BatchDesk;
}

/** What one run is told. */
export interface RunOrder {
  readonly id: string;
  readonly fencingToken: number;
  /** How often in a row it was postponed before. */
  readonly postponements: number;
  /** Whether it may send single items to partitions that are over, when it is their time to be probed. */
  readonly probes: boolean;
  /** It has been postponed for too long, and is performed anyway. */
  readonly isForced: boolean;
  /** Whether anything may be begun: the batch is surely this host's, and nobody has paused or closed it. */
  readonly mayGoOn: () => boolean;
  /** Aborted where the run is to end at once. */
  readonly stop: AbortSignal;
}
