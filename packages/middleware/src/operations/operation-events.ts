import type { LedgerEntry, OperationEntryType, StepEnd } from '@slackwater/shared';
import type { RunState } from './run-state.ts';

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
  /** Of what did not succeed: the host that it ran on. */
  readonly host?: string;
  readonly result?: 'succeeded' | 'undone';
  /** Where its entry stands in the log. */
  readonly position: number;
}

/** What an entry about a run is told as. */
export function eventOf(
  { id, blocks }: Pick<RunState, 'id' | 'blocks'>,
  { position, entry }: { readonly position: number; readonly entry: LedgerEntry },
): OperationEvent {
  const [planned] = blocks.values();
  const { token, block, blockId = '', values, startedAt, retryAt, ...said } = entry.step ?? { token: 0 };
  const stage = block?.stage ?? blocks.get(blockId)?.block.stage;
  return {
    type: entry.type as OperationEntryType,
    id,
    operation: planned?.block.operation ?? '',
    version: planned?.block.version ?? '',
    ...(stage !== undefined && { stage }),
    ...said,
    position,
  };
}
