import type { ErrorCode } from './codes.ts';
import type { OperationProgress } from './operation-progress.ts';

/** What a caller may rely on: the life of a deferral in the words of Azure's long-running operations. */
export type DeferralStatus = 'NotStarted' | 'Running' | 'Succeeded' | 'Failed' | 'Canceled';

/** Where a deferral stands, in more detail than its status. */
export type DeferralPhase = 'queued' | 'postponed' | 'performing' | 'retrying' | 'parked' | 'settled';

/** What "durable" meant when the deferral was accepted: one disk's fsync, or a majority of an engine's servers. */
export type Durability = 'fsync' | 'quorum';

/** What becomes of a request whose success was told and that then failed or was canceled. */
export interface Reversal {
  /** The deferral that undoes it. */
  readonly id: string;
  readonly status: DeferralStatus;
  readonly phase: DeferralPhase;
  /** True once it is undone. */
  readonly reversed: boolean;
}

/** The body of a 202 and of `GET /deferrals/:id`. Times are RFC 3339 in UTC. */
export interface DeferralResource {
  /** ULID. */
  readonly id: string;
  readonly status: DeferralStatus;
  readonly phase: DeferralPhase;
  readonly application: string;
  readonly group: string;
  readonly workType: string;
  readonly partition: string;
  readonly createdAt: string;
  readonly updatedAt: string;
  readonly estimatedAt?: string;
  readonly deadlineAt?: string;
  /** How often the route has been tried. */
  readonly attempts: number;
  /** How often it was looked at and left on its queue. */
  readonly postponements: number;
  /** How much of a request this is: all of it, or a part that its handler deferred. */
  readonly portion: 'all' | 'part';
  /** The name of the part; absent where `portion` is `all`. */
  readonly part?: string;
  /** The deferral whose part or compensation it is; of a part of a request that was performed at once an id of that request's. */
  readonly parent?: string;
  /** True while it waits for its request to succeed: until then it may not be performed. */
  readonly held?: true;
  /** Its caller was told at once that it has succeeded. */
  readonly acknowledged?: 'succeeded';
  /** Present where success had been told, and it then came to nothing, and its work type names a compensation. */
  readonly reversal?: Reversal;
  /** The run of an operation that its answer comes from, as far as it has come. */
  readonly operation?: OperationProgress;
  readonly durable: Durability;
  /** False where the work is known to be done while the route's answer was lost. */
  readonly outcomeKnown?: boolean;
  readonly error?: { readonly code: ErrorCode; readonly message: string };
  /** URL of the outcome. */
  readonly resourceLocation: string;
  /** C2SP tlog-proof of `entry`. */
  readonly receipt: string;
  /** The `accepted` entry's bytes, base64. */
  readonly entry: string;
  /** The salt of the payload digest in `entry`, base64. */
  readonly salt: string;
}
