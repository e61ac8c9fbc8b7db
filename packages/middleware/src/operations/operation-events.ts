import type { OperationEntryType, StepEnd } from '@slackwater/shared';

/** What happened to a run of an operation, when it is recorded: one for each entry, in the order of the ledger. */
export interface OperationEvent {
  readonly type: OperationEntryType;
  /** Of the run. */
  readonly id: string;
  /** The operation's name and version. */
  readonly operation: string;
  readonly version: string;
  /** From 0; of what is about a stage or a task. */
  readonly stage?: number;
  readonly task?: string;
  readonly attempt?: number;
  /** How running a task, or undoing it, ended. */
  readonly end?: StepEnd;
  /** Of a check: whether the stage passed. */
  readonly valid?: boolean;
  /** Tasks and checks that did not pass. */
  readonly failed?: readonly string[];
  /** An error code. */
  readonly error?: string;
  readonly result?: 'succeeded' | 'undone';
  /** Where its entry stands in the log. */
  readonly position: number;
}
