import type { OperationProgress, OperationReport } from '@slackwater/shared';
import type { Deferral } from '../ledger/deferral.ts';
import type { RunReveal } from '../ledger/operation-records.ts';
import type { Values } from '../operations/operation.ts';
import type { CancelResult } from '../perform/cancel.ts';
import type { RedriveResult } from '../perform/redrive.ts';
import type { GroupRuns } from './own-work.ts';

/** What a group is told of the runs beside its ledger, and has done about them. */
export interface RunsOfGroup extends GroupRuns {
  /**
   * What the ledger has of a run, by its id or that of a deferral that was left to it; with `reveal`, once that is recorded, its values in plain text. Undefined where
   * there is no such run.
   */
  report(id: string, reveal?: RunReveal): Promise<OperationReport | undefined>;
  /** How the run stands that a deferral is left to; undefined where it is left to none. */
  progress(deferral: Deferral): Promise<OperationProgress | undefined>;
  /** Gives the run that a deferral is left to inputs from outside. */
  provide(deferral: Deferral, values: Values): Promise<void>;
  /** Has the run undone that a deferral is left to; undefined where it is left to none. */
  cancel(deferral: Deferral): Promise<CancelResult | undefined>;
  /** Has the run go on that a deferral is left to, where it is parked; undefined where it is left to none. */
  resume(deferral: Deferral): Promise<RedriveResult | undefined>;
}

/** The operations of a gate, for its groups. */
export interface GroupOperations {
  of(group: string): RunsOfGroup;
  /** A group's ledger is open. */
  opened(group: string): void;
}
