import type { Because, ReasonCode, WorkTypeValues } from '@slackwater/shared';
import type { OperationEvent } from '../operations/operation-events.ts';
import type { TaskFailingEvent } from '../operations/tell-failing.ts';
import type { BatchEvent } from '../perform/batches/batch-events.ts';
import type { PerformerEvent } from '../perform/performer-events.ts';
import type { WebhookReport } from '../perform/webhooks/webhook-types.ts';

/**
 * What a gate tells those who listen (`gate.on`). Listeners run at once, where it happens; what they throw, or reject with, is
 * ignored. docs/reference/events.md describes each.
 */
export interface GateEvents {
  /** A request from outside was answered for, or let through. */
  readonly decision: DecisionEvent;
  /** A work type changed its state on a partition. */
  readonly state: StateEvent;
  /** A work type was changed while running, here or on another host, and is so from now on. */
  readonly 'work-type': WorkTypeEvent;
  /** What became of deferrals as this process performed them. */
  readonly deferral: PerformerEvent & { readonly group: string };
  /** Webhooks that this process sent, or tried to. */
  readonly webhook: WebhookReport & { readonly group: string };
  /** Runs of batches in this process. */
  readonly batch: BatchEvent;
  /** What happened to operations of dependent tasks in this process, when it is recorded. */
  readonly operation: OperationEvent & { readonly group: string };
  /** A type of task fails too often, as this process was the one to find and record. */
  readonly 'task-failing': TaskFailingEvent & { readonly group: string };
  /** The records of a deferral are not what was recorded: it was refused, and a person has to look. */
  readonly corrupt: CorruptEvent;
  /** A set-up that is legal and probably not meant; told once per code. */
  readonly warning: GateWarning;
  /** Trouble of the gate's own that requests and deferrals survive. */
  readonly trouble: {
    readonly doing: string;
    readonly error: unknown;
    /** The resource group it is about, where it is about one. */
    readonly group?: string;
  };
}

/** The names of {@link GateEvents}. */
export const eventNames = [
  'decision',
  'state',
  'work-type',
  'deferral',
  'webhook',
  'batch',
  'operation',
  'task-failing',
  'corrupt',
  'warning',
  'trouble',
] as const satisfies readonly (keyof GateEvents)[];

/** One decision. */
export interface DecisionEvent {
  readonly decision: 'perform' | 'retry-later' | 'defer';
  readonly method: string;
  /** Route pattern, or undefined where no rule matched. */
  readonly route: string | undefined;
  readonly workType: string;
  /** The partition that decided; undefined where none is known. */
  readonly partition: string | undefined;
  readonly reasons: readonly ReasonCode[];
  /** What led to it, where more than the latency of commits was asked, or the request was deferred. */
  readonly because?: Because;
  /**
   * The latency, ms: by commits begun since the state was entered, where there are any; else by all; else what other hosts say.
   * Absent where none is known, or none was asked for.
   */
  readonly valueMs?: number | undefined;
  /** At which its work type is over there, ms; absent where it is exempt. */
  readonly thresholdMs?: number | undefined;
  /** The state of its work type there; absent where nothing was looked at. */
  readonly state?: 'clear' | 'over' | 'recovering' | undefined;
  /** The more important work types that it must not go before and that were not clear there. */
  readonly ahead?: readonly string[] | undefined;
  /** Of a retry later. */
  readonly retryAfterMs?: number;
  /** The caller had been asked to come back, and was recognised by its Idempotency-Key. Absent: no, or nobody can say. */
  readonly returned?: true;
  /** Of a deferral. */
  readonly id?: string;
  /** Of a deferral: the resource group whose ledger it is in. */
  readonly group?: string;
  /** Of a request that was performed in shadow mode: what would have become of it, for `reasons`. */
  readonly wouldBe?: 'retry-later' | 'defer';
}

/** A change of state. */
export interface StateEvent {
  readonly partition: string;
  readonly workType: string;
  readonly from: 'clear' | 'over' | 'recovering';
  readonly to: 'clear' | 'over' | 'recovering';
  /** The latency that brought it about, ms: of the window, of one commit or probe, or of other hosts; undefined where none is known. */
  readonly valueMs: number | undefined;
}

/** A change of a work type. */
export interface WorkTypeEvent {
  readonly workType: string;
  /** All members that can change, as they were. */
  readonly before: WorkTypeValues;
  readonly after: WorkTypeValues;
  /** `token:<subject>` or `code:<name>`. */
  readonly by: string;
  /** RFC 3339. */
  readonly at: string;
}

/** A deferral that was refused because a record of it was altered or is missing. */
export interface CorruptEvent {
  readonly id: string;
  /** The resource group whose ledger it is in. */
  readonly group: string;
  readonly partition: string;
  readonly workType: string;
  /** What is wrong, for people. */
  readonly message: string;
}

/** Codes of warnings; each is explained in docs/reference/errors.md. */
export const warningCodes = [
  'threshold-order',
  'shadow-order',
  'gate-after-body-parser',
  'audit-without-auth',
  'deferral-without-completions',
  'performed-without-completion',
  'partition-differs',
  'partition-unobserved',
  'work-type-unknown',
  'group-unknown',
  'group-differs',
  'engine-on-observed-server',
] as const;

/** A set-up that is legal and probably not meant. */
export interface GateWarning {
  readonly code: (typeof warningCodes)[number];
  readonly message: string;
  /** Path of the page that explains it, within the repository. */
  readonly docs: string;
}
