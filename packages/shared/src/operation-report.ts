import { isObject } from './json-shape.ts';
import type { FunctionPointer, StepEnd } from './operation-entry.ts';
import type { OperationRunStatus } from './operation-progress.ts';

/** A value that a task took or gave. The ledger has its digest; the value itself is shown to who may have it revealed. */
export interface ReportedValue {
  /** Base64 of SHA-256(salt || canonical JSON). */
  readonly digest: string;
  readonly value?: unknown;
  /** Present where it was to be shown, and is kept no longer, or is not the one that was recorded. */
  readonly lost?: true;
}

/** One attempt at running a task, or at undoing it. Times are RFC 3339 in UTC. */
export interface ReportedAttempt {
  /** From 1. */
  readonly attempt: number;
  /** Where the entry stands that it began by. */
  readonly position: number;
  readonly startedAt: string;
  readonly endedAt?: string;
  /** `succeeded` is said of what passed the checks of its task, `invalid` of what did not. */
  readonly end?: StepEnd;
  readonly error?: string;
  readonly retryAt?: string;
  /** By label. */
  readonly inputs: Readonly<Record<string, ReportedValue>>;
  readonly outputs: Readonly<Record<string, ReportedValue>>;
  /** What it threw, or what its checks said; revealed. */
  readonly issues?: readonly string[];
}

/** A task of a run, and what became of it. */
export interface ReportedTask {
  readonly id: string;
  readonly run: FunctionPointer;
  readonly rollback?: FunctionPointer;
  /** The functions that check what it gives. */
  readonly validate: readonly FunctionPointer[];
  readonly attempts: readonly ReportedAttempt[];
  readonly undo: readonly ReportedAttempt[];
}

/** A check of a stage. */
export interface ReportedCheck {
  readonly name: string;
  readonly validate: FunctionPointer;
  /** What it said was wrong; revealed. */
  readonly issues?: readonly string[];
}

/** A stage of a run: a block of its chain. */
export interface ReportedStage {
  /** From 0. */
  readonly stage: number;
  /** The id of its block. */
  readonly block: string;
  /** Where its entry stands. */
  readonly position: number;
  readonly tasks: readonly ReportedTask[];
  readonly checks: readonly ReportedCheck[];
  /** Absent where it never came to that. */
  readonly checked?: {
    readonly position: number;
    readonly at: string;
    readonly valid: boolean;
    readonly failed: readonly string[];
  };
}

/** Why a run was undone. */
export interface ReportedFailure {
  readonly stage: number;
  readonly block: string;
  readonly error: string;
  /** What failed of its tasks, each by its last attempt. */
  readonly tasks: readonly ({ readonly id: string } & Omit<ReportedAttempt, 'retryAt'>)[];
  readonly checks: readonly ReportedCheck[];
}

/** A run of an operation, as the ledger has it: its chain, and each result. */
export interface OperationReport {
  /** Of the run. */
  readonly id: string;
  readonly operation: string;
  readonly version: string;
  readonly group: string;
  readonly workType: string;
  /** A pseudonym. */
  readonly requester: string;
  readonly status: OperationRunStatus;
  readonly error?: string;
  readonly startedAt: string;
  readonly updatedAt: string;
  /** What came from outside, by label. */
  readonly given: Readonly<Record<string, ReportedValue>>;
  readonly stages: readonly ReportedStage[];
  /** Where it failed; absent where it did not, or was not undone for that. */
  readonly failure?: ReportedFailure;
  /** Where all entries about it stand. */
  readonly positions: readonly number[];
}

/** Whether untrusted JSON is an {@link OperationReport}, as far as its outermost members say. Never throws. */
export function isOperationReport(value: unknown): value is OperationReport {
  return (
    isObject(value) &&
    typeof value['id'] === 'string' &&
    typeof value['operation'] === 'string' &&
    typeof value['status'] === 'string' &&
    Array.isArray(value['stages']) &&
    isObject(value['given']) &&
    Array.isArray(value['positions'])
  );
}
