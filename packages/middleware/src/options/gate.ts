import type { LedgerReport, OperationReport } from '@slackwater/shared';
import type { RequestHandler } from 'express';
import type { DecisionFilter, KeptDecision } from '../answer/decision-ring.ts';
import type { CountQuery, IndexCounts, IndexPage, IndexQuery } from '../audit/index/contract.ts';
import type { ShadowReport } from '../decide/shadow-tally.ts';
import type { Deferral } from '../ledger/deferral.ts';
import type { RecordMapping } from '../ledger/mapping.ts';
import type { Ledger } from '../ledger/open-ledger.ts';
import type { RevealRequest } from '../ledger/reveal.ts';
import type { ParameterValue } from '../ledger/revealed-value.ts';
import type { LatencyTable } from '../measure/latency-table.ts';
import type { Batch } from '../perform/batches/batch.ts';
import type { BatchOptions } from '../perform/batches/batch-options.ts';
import type { BatchItem } from '../perform/batches/batch-types.ts';
import type { CancelResult } from '../perform/cancel.ts';
import type { RedriveResult } from '../perform/redrive.ts';
import type { ReplayApp } from '../perform/through-app.ts';
import type { GateEvents } from './gate-events.ts';
import type { GateOperations } from './gate-operations.ts';
import type { GateQueue } from './gate-queue.ts';
import type { GateWorkTypes } from './gate-work-types.ts';

/** What {@link slackwater} gives: a request handler, to be mounted before the routes, that has these besides. */
export interface Gate extends RequestHandler {
  /**
   * The gate's own resources alone, to be mounted before authentication, so that capabilities and tokens reach them; all other
   * requests pass. The gate itself serves them too, where it stands.
   */
  readonly resources: RequestHandler;
  /**
   * Latency of each partition on this host. `latency.commit(partition, fn)` measures for this gate alone what no driver
   * observes; `commit()` of the package does so for every gate of the process.
   */
  readonly latency: LatencyTable;
  /** Heads and blocks of the ledger, for those who keep them to compare; of several groups, of the home group's. */
  readonly ledger: GateLedger;
  readonly deferrals: GateDeferrals;
  /** Queries over the ledger and its verification, without HTTP and its tokens; of several groups, of the home group's. */
  readonly audit: GateAudit;
  /** What waits to be performed: pausing, resuming and draining it by hand; of the group `group`. */
  readonly queue: GateQueue;
  /** The ledger of each resource group, by name; none where there is no engine. */
  readonly groups: ReadonlyMap<string, GateGroup>;
  /** Thresholds and what else of work types can change while the gate runs. */
  readonly workTypes: GateWorkTypes;
  /**
   * Makes a batch: scheduled work that is postponed, whole or in part, while partitions are slow. Its schedule is looked after from when the
   * server listens, the first request comes, or `start` is called. Throws `option-invalid`, `option-unknown`, `option-missing` or `batch-closed`.
   */
  batch<Item extends BatchItem>(options: BatchOptions<Item>): Batch;
  /** Operations of dependent tasks: started, followed, gone on with where a process ended. */
  readonly operations: GateOperations;
  /** The most recent decisions of this host that fit, the newest first; as many as `keepDecisions` keeps. */
  decisions(filter?: DecisionFilter): readonly KeptDecision[];
  /** What shadow mode came to on this host, since the gate was made. */
  shadow(): ShadowReport;
  /** Listens to what the gate tells. Returns how to end it. Throws `parameter-invalid` for what is no event, or no function. */
  on<Name extends keyof GateEvents>(name: Name, listener: (event: GateEvents[Name]) => void): () => void;
  /** Says through which application deferrals are performed, where the gate is not mounted on it directly. */
  attach(app: ReplayApp): void;
  /**
   * Begins to look after batches, opens the ledger and begins to perform; before the gate is mounted or attached it opens the ledger alone. It happens by
   * itself when the server listens or the first request comes.
   * Rejects where the ledger can't be opened; of several groups, where one can't: the others are at work all the same.
   */
  start(): Promise<void>;
  /** Ends attempts under way, timers and the engine. The application can go on; the gate then lets everything through. */
  close(): Promise<void>;
}

/** One resource group, for the application itself. */
export interface GateGroup {
  readonly ledger: GateLedger;
  readonly audit: GateAudit;
  /** What waits to be performed. */
  readonly queue: GateQueue;
}

/** What the application itself may do with deferrals, whichever group has them. Every call rejects with `option-missing` where there is no engine. */
export interface GateDeferrals {
  /** Undefined where there is none of that id. */
  find(id: string): Promise<Deferral | undefined>;
  /** Cancels one that nobody performs. */
  cancel(id: string): Promise<CancelResult>;
  /**
   * Puts a parked one back on its queue, whatever it was parked for; `by` (default `app`) stands in the ledger. `repeat` (default
   * false) begins its route anew although some of its transactions are done.
   */
  redrive(id: string, terms?: { readonly by?: string; readonly repeat?: boolean }): Promise<RedriveResult>;
  /** How many are under way in this process. */
  readonly inFlight: number;
}

/** The signed side of the ledger. Every call opens it where it is not open, and rejects where it can't be. */
export interface GateLedger {
  /** C2SP verifier key (vkey): what receipts and checkpoints are verified with. */
  verifierKey(): Promise<string>;
  /** The signed head: C2SP checkpoint text. */
  checkpoint(): Promise<string>;
  /** The sealed block of that height, from 0, as its JSON text. */
  block(height: number): Promise<string | undefined>;
  /**
   * Erases a requester: settles what is pending for it, destroys the key that everything recorded for it is encrypted with, and
   * records that. `purpose` stands in the ledger as it is, so no name belongs in it; `by` is `application` if not given. Waits up to
   * `waitMs` (default 60,000); what is `pending` then goes on by itself. May be called again. Rejects with
   * `parameter-invalid`, or with an error of the ledger or engine.
   */
  eraseRequester(
    requester: string,
    asked: { readonly purpose: string; readonly by?: string; readonly waitMs?: number },
  ): Promise<RequesterErased>;
  /** The ledger itself, for what is not here; what it takes in is performed like every deferral. */
  open(): Promise<Ledger>;
}

/**
 * How far erasing a requester has come. `requester` is the pseudonym that its entries have; `unsettled` how many of its deferrals are
 * being performed, or could not be canceled yet; `nothing-kept` where there is nothing under that name (any more).
 */
export type RequesterErased =
  | { readonly status: 'erased'; readonly requester: string }
  | { readonly status: 'pending'; readonly requester: string; readonly unsettled: number }
  | { readonly status: 'nothing-kept' };

/** What an auditor within the process may ask. */
export interface GateAudit {
  /**
   * A page of deferrals, newest first; 100 where no `limit` is given. Requesters may be named in the application's own words. It
   * rests on everything that was recorded when it was asked for; rejects with `index-behind` where the index has not come so far.
   */
  deferrals(query?: Partial<IndexQuery>): Promise<IndexPage>;
  /** How many there are, by one dimension or several at once; 100 rows where no `limit` is given. Rejects like `deferrals`. */
  counts(query: Partial<CountQuery> & Pick<CountQuery, 'by'>): Promise<IndexCounts>;
  /** All entries about a deferral, in their order; none where there is no such. */
  entries(id: string): ReturnType<Ledger['entriesAt']>;
  /** Where the two records of a deferral's request are, and whether they agree; undefined where there is no such deferral. */
  mapping(id: string): Promise<RecordMapping | undefined>;
  /**
   * Parameters of a deferral's request in plain text, once it is recorded in the ledger that `by` sees them, and for what
   * `purpose`. Where that can't be recorded it rejects, and nothing is shown.
   */
  reveal(id: string, request: RevealRequest): Promise<readonly ParameterValue[]>;
  /**
   * What the ledger has of a run of an operation, by its id or that of the deferral that was left to it: its chain, each attempt with the digests of what it took and gave, each
   * result of a check, and where it failed, why. With `reveal`, once it is recorded who sees them and what for, the values in plain text, and what tasks threw. Undefined where there
   * is no such run. Rejects like `deferrals`.
   */
  operation(
    id: string,
    reveal?: { readonly by: string; readonly purpose: string },
  ): Promise<OperationReport | undefined>;
  /** The `accepted` entry of a deferral and a fresh receipt for it (C2SP tlog-proof). */
  proof(id: string): ReturnType<Ledger['proof']>;
  /** Verifies the whole ledger from its stored bytes, against an old checkpoint where one is given. */
  verify(oldCheckpoint?: string): Promise<LedgerReport>;
}
