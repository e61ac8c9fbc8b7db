import type { OperationProgress, OperationReport } from '@slackwater/shared';
import type { Request } from 'express';
import type { AuditIndex } from '../../audit/index/audit-index.ts';
import type { Clock } from '../../clock.ts';
import type { Deferral } from '../../ledger/deferral.ts';
import type { RequesterErased } from '../../options/gate.ts';
import type { QueueView } from '../../options/gate-queue.ts';
import type { ChangeResult, WorkTypeView } from '../../options/gate-work-types.ts';
import type { DecisionFilter } from '../decision-ring.ts';
import type { DeferralHome } from '../deferral-resource.ts';
import type { AskedGroup } from './locate-deferral.ts';

/** A route that was seen to commit: `POST /shops/:shop/orders`. */
export interface LearnedRow {
  readonly route: string;
  /** How long ago it last committed where, whole ms; time in which it was held back does not count. */
  readonly partitions: readonly { readonly partition: string; readonly quietMs: number }[];
}

/** What the gate's own resources are made of. */
export interface ResourceParts {
  readonly clock: Clock;
  /** Origin and path of the mount, without a slash at its end; undefined: URLs are relative to the origin. */
  readonly publicUrl: string | undefined;
  readonly basePath: string;
  /** Of each resource group, the home group's first. Undefined where there is no engine: then deferrals and the ledger do not exist. */
  readonly records: readonly Records[] | undefined;
  readonly requester: ((req: Request) => string | undefined | Promise<string | undefined>) | undefined;
  /** Undefined where `auth` is not configured: then auditing and administration do not exist. */
  readonly verifyToken: VerifyToken | undefined;
  /** How long a settled or pending deferral should be left alone before it is asked for again, ms. */
  readonly pollAfterMs: (partition: string) => number;
  /** Rows for `GET /partitions`; JSON values. */
  readonly partitions: () => readonly unknown[];
  /** Routes that were seen to commit, for the same. */
  readonly learnedRoutes: () => readonly LearnedRow[];
  /** How batches stand; JSON values. */
  readonly batches: () => readonly BatchRow[];
  /** Undefined where nobody may read them. */
  readonly metrics: Metrics | undefined;
  /** The most recent decisions that fit, the newest first; JSON values. */
  readonly decisions: (filter: DecisionFilter) => readonly unknown[];
  /** What shadow mode came to; JSON values, by work type. */
  readonly shadow: () => object;
  readonly workTypes: WorkTypeDesk;
  readonly definitions: DefinitionDesk;
  readonly health: () => Promise<Health>;
  /** Hears of what kept a resource from answering as it should; its callers are told no particulars. May throw. */
  readonly tellTrouble: (doing: string, error: unknown) => void;
}

/** A batch as `GET /batches` shows it, of which the health counts the states. */
export interface BatchRow {
  readonly name: string;
  readonly state: string;
}

/** The text that Prometheus reads. */
export interface Metrics {
  /** Whether anybody may read it. */
  readonly public: boolean;
  readonly contentType: string;
  text(): Promise<string>;
}

/** A resource group: its ledger, and who cancels. */
export interface Records extends AskedGroup {
  readonly home: DeferralHome;
  /** Whether anybody may read its checkpoint and blocks. */
  readonly isPublic: boolean;
  /** Queries over its index; a requester may be named in the application's own words. Each rejects where it can't be asked. */
  readonly audit: Pick<AuditIndex, 'list' | 'counts' | 'entriesOf'>;
  /** How it does. */
  readonly status: () => Health['status'];
  readonly queue: QueueOffice;
  readonly runs: RunOffice;
  readonly cancel: (id: string) => Promise<'canceled' | 'not-cancelable' | 'canceling'>;
  readonly redrive: (
    id: string,
    terms: { readonly by: string; readonly repeat?: boolean },
  ) => Promise<'redriven' | 'not-redrivable'>;
  /** Erases a requester, and waits for it up to `waitMs`. */
  readonly erase: (
    requester: string,
    asked: { readonly by: string; readonly purpose: string },
    waitMs: number,
  ) => Promise<RequesterErased>;
  /** Calls `listener` when the deferral may have changed in this process. Returns how to end it. */
  readonly onChange: (id: string, listener: () => void) => () => void;
}

/** The runs of operations in a group. Every call rejects where it can't be opened or asked. */
export interface RunOffice {
  /** What the ledger has of a run, by its id or that of a deferral that was left to it; with `reveal`, once that is recorded, its values in plain text. */
  report(
    id: string,
    reveal?: { readonly by: string; readonly purpose: string },
  ): Promise<OperationReport | undefined>;
  /** How the run stands that a deferral is left to; undefined where it is left to none, or nothing is known of that any more. */
  progress(deferral: Deferral): Promise<OperationProgress | undefined>;
  /** Gives the run that a deferral is left to inputs from outside. Rejects with `input-refused`, `input-differs`, `operation-settled` or `operation-unknown`. */
  provide(deferral: Deferral, values: Readonly<Record<string, unknown>>): Promise<void>;
}

/** The queue of a group, for operators. Every call rejects where it can't be opened or asked. */
export interface QueueOffice {
  view(): Promise<QueueView>;
  /** A partition, or, where it is undefined, the group. */
  setPaused(partition: string | undefined, paused: boolean, by: string): Promise<void>;
  drain(partition: string | undefined): Promise<void>;
}

/** What a valid token says; undefined for one that is not. */
export type VerifyToken = (
  token: string,
) => { readonly scopes: ReadonlySet<string>; readonly subject: string | undefined } | undefined;

/** Stored definitions of operations; JSON values. Each call rejects where the engine can't be asked. */
export interface DefinitionDesk {
  list(): Promise<readonly unknown[]>;
  find(name: string, version?: string): Promise<unknown>;
  /** Rejects with `operation-invalid`. */
  define(data: unknown, by: string): Promise<unknown>;
  remove(name: string): Promise<boolean>;
}

/** Work types as the resources under `/work-types` have them. */
export interface WorkTypeDesk {
  list(): readonly WorkTypeView[];
  find(name: string): WorkTypeView | undefined;
  /** The present thresholds of a work type whose threshold is `auto`, ms, by partition; undefined for others. */
  learned(name: string): Readonly<Record<string, number>> | undefined;
  /**
   * Changes work types, all at once. Rejects with `option-...` where that is refused, `precondition-failed` where none of
   * `ifMatch` is the ETag, and an error of the ledger or engine where it can't be recorded.
   */
  change(
    wanted: ReadonlyMap<string, WantedChange>,
    by: string,
    ifMatch: readonly string[] | undefined,
  ): Promise<ChangeResult>;
}

/** What is to become of a work type: other values of some members, unchecked, or what the options say. */
export type WantedChange =
  | { readonly kind: 'change'; readonly members: unknown }
  | { readonly kind: 'reset' };

/** Liveness and readiness. */
export interface Health {
  /**
   * `starting` is answered with 503: send no traffic here yet. `degraded` (no deferring for now) is answered with 200,
   * for the application itself goes on.
   */
  readonly status: 'ready' | 'starting' | 'degraded';
  /** JSON values; anybody may read them. */
  readonly details: Readonly<Record<string, unknown>>;
}
