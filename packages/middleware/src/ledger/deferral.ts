import type { Because, DeferralPhase, DeferralStatus, ErrorCode, TileName } from '@slackwater/shared';

/** A request as it is kept to be performed later: only what a replay may contain. */
export interface CapturedRequest {
  readonly method: string;
  /** Path and query as they came (`req.originalUrl`). */
  readonly url: string;
  /** Allow-listed headers, lower-case names, without Content-Length and Transfer-Encoding. */
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly body: Uint8Array;
  /** The caller's address as the socket gave it. */
  readonly remoteAddress: string | undefined;
  /**
   * True where the connection was TLS. Without it a replay would look like plain HTTP, and middleware that
   * redirects to HTTPS would answer instead of the route.
   */
  readonly secure?: boolean;
  /** What `capture(req)` gave, JSON; undefined where nothing was captured. */
  readonly identity: unknown;
}

/** What the route answered when the deferral was performed. */
export interface Outcome {
  readonly status: number;
  /** End-to-end headers, lower-case names, Set-Cookie left out. */
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly body: Uint8Array;
}

/** A request that is to be accepted, with everything that the decision established about it. */
export interface Acceptance {
  readonly request: CapturedRequest;
  /** Route pattern. */
  readonly route: string;
  readonly workType: string;
  readonly priority: number;
  readonly partition: string;
  /** Who the request is made for, in the application's own words. Kept encrypted; entries get a pseudonym. */
  readonly requester: string;
  readonly reasons: readonly string[];
  /** What led to the decision; it stands in the entry as it is. */
  readonly because?: Because;
  readonly idempotencyKey?: string;
  readonly orderKey?: string;
  /** Promises that it will be performed, or reported, within so many ms of its acceptance. */
  readonly maxDelayMs?: number;
  /** For how long it may be postponed; then it is one of those that `Ledger.lookAtPostponed` gives. */
  readonly maxPostponeMs?: number;
  /** Its caller is told at once that it has succeeded. */
  readonly acknowledged?: boolean;
  /** Present for a part or a compensation: nobody begins it before the step `released`. Its `requester` is not looked at for its Idempotency-Key. */
  readonly belongsTo?: Belonging;
}

/** Whose part or compensation something is. */
export interface Belonging {
  /** Id of that deferral; of a request that was performed at once, the one that all its parts are given. */
  readonly parent: string;
  /** The pseudonym of that deferral's requester; in the stead of the acceptance's `requester`. */
  readonly pseudonym?: string;
  /** It is taken in however full the queue is; its `priority` may be 0, before all others. */
  readonly always?: boolean;
}

/** What became of an {@link Acceptance}. */
export type AcceptanceResult =
  /** `repeated`: it is the deferral that the same Idempotency-Key and payload made before. */
  | {
      readonly kind: 'accepted';
      readonly repeated: boolean;
      readonly deferral: Deferral;
      readonly capability: string;
    }
  /** The same Idempotency-Key came with another payload before. */
  | { readonly kind: 'key-reused' }
  /** As many deferrals wait as may (`maxQueued`). Nothing was recorded. */
  | { readonly kind: 'queue-full' };

/** One deferred request, as far as the ledger has come with it. A cache: the log can rebuild it. */
export interface Deferral {
  readonly id: string;
  readonly status: DeferralStatus;
  readonly phase: DeferralPhase;
  readonly method: string;
  readonly route: string;
  readonly workType: string;
  readonly priority: number;
  readonly partition: string;
  readonly orderKey: string | undefined;
  /** The requester's random pseudonym. */
  readonly requester: string;
  /** The key of its completion rows. */
  readonly completionKey: string;
  /** Where its `accepted` entry stands in the log. */
  readonly position: number;
  /** Salt of the payload digest, base64. */
  readonly salt: string;
  /** Unix milliseconds. */
  readonly createdAt: number;
  readonly updatedAt: number;
  /** By when it was promised to be performed, or reported; undefined where nothing was promised. */
  readonly deadlineAt: number | undefined;
  readonly attempts: number;
  readonly postponements: number;
  /** Fencing token of the newest attempt; 0 before the first. */
  readonly token: number;
  readonly outcomeKnown: boolean | undefined;
  /** When it was last put back on the queue after it was parked; absent where it never was. */
  readonly redriven?: {
    /** How many attempts there had been: they do not count towards `maxAttempts` any more. */
    readonly attempts: number;
    /** Its route is begun anew although some of its transactions are done. */
    readonly repeat: boolean;
  };
  /** Whose part or compensation it is; undefined for a request. */
  readonly parent: string | undefined;
  /** A part or a compensation that nobody may begin yet. */
  readonly held: boolean;
  /** Its caller was told at once that it has succeeded. */
  readonly acknowledged: boolean;
  readonly error: { readonly code: ErrorCode; readonly message: string } | undefined;
}

/**
 * What of a request's records an implementation of it was read from: the mapping, which says where the others are; the first
 * record, in the log; the second record, in the key-value store.
 */
export type RecordName = 'mapping' | 'first' | 'second';

/** A request as its records have it, and which of them were read for that. */
export interface ReadRequest {
  readonly request: CapturedRequest;
  readonly readFrom: readonly RecordName[];
}

/** A step in the life of a deferral; each becomes an entry. `readFrom` stands in it, where an attempt read records. */
export type Step =
  | { readonly type: 'performing'; readonly token: number }
  | { readonly type: 'postponed'; readonly token: number; readonly reasons: readonly string[] }
  /** The route answered below 400, or, without an outcome, is known to have done its work. */
  | {
      readonly type: 'performed';
      readonly token: number;
      readonly outcome: Outcome | undefined;
      readonly readFrom?: readonly RecordName[];
    }
  /** With `retryAt` (Unix milliseconds) it will be tried again, else it is final. */
  | {
      readonly type: 'failed';
      readonly token: number;
      readonly outcome: Outcome | undefined;
      readonly error: { readonly code: ErrorCode; readonly message: string };
      readonly retryAt?: number;
      readonly readFrom?: readonly RecordName[];
    }
  | {
      readonly type: 'parked';
      readonly token: number;
      readonly error: { readonly code: ErrorCode; readonly message: string };
      /** What the route answered last, where it did. It is kept for whoever has to see to it. */
      readonly outcome?: Outcome | undefined;
    }
  /**
   * A parked one goes back on the queue, with all of its attempts before it. `repeat`: its route is begun anew, although some of its
   * transactions are done. Refused for what is not parked.
   */
  | { readonly type: 'redriven'; readonly by: string; readonly repeat: boolean }
  /**
   * By its requester; only while nobody performs it. One that was attempted must be canceled by whoever has shut out
   * stalled attempts: `attempts` says how many there were then (default none), and where there are more it is refused.
   */
  | {
      readonly type: 'canceled';
      readonly error: { readonly code: ErrorCode; readonly message: string };
      readonly attempts?: number;
    }
  /** A part or a compensation may be begun from now on; refused where it may already. */
  | { readonly type: 'released' }
  /** It was promised to be settled by now, and is not. Taken once; it changes nothing else. */
  | { readonly type: 'overdue' };

/** What the other stages may ask of the ledger. */
export interface DeferralLedger {
  /**
   * Records a request. Resolves when it is durable and sealed.
   * Rejects with an `EngineError`: `fate: 'none'`, nothing was recorded; `fate: 'unknown'`, it may have been.
   */
  accept(acceptance: Acceptance): Promise<AcceptanceResult>;
  /** The deferral that an Idempotency-Key of that requester, method and path made, if any. */
  findByKey(
    requester: string,
    method: string,
    url: string,
    idempotencyKey: string,
  ): Promise<Deferral | undefined>;
  find(id: string): Promise<Deferral | undefined>;
  /** The request, checked against the digest in its entry. Rejects with `record-corrupt` or `requester-erased`. */
  request(id: string): Promise<CapturedRequest>;
  /** The same, and which records it was read from. */
  readRequest(id: string): Promise<ReadRequest>;
  /**
   * The names of its request's parameters, in their order (`docs/keys.md`). Rejects with `record-corrupt`, or with
   * `requester-erased` where nobody can read them any more.
   */
  parameters(id: string): Promise<readonly string[]>;
  /**
   * One parameter of its request, decrypted alone; undefined where there is none of that name. Rejects with `record-corrupt`
   * or `requester-erased`.
   */
  parameter(id: string, name: string): Promise<Uint8Array | undefined>;
  /** The outcome, of a parked one the last attempt's; undefined while there is none, or where it has expired. Rejects with `record-corrupt` or `requester-erased`. */
  outcome(id: string): Promise<Outcome | undefined>;
  /**
   * Takes a step, durably: entry first, then the deferral's state. Resolves with undefined, and changes nothing,
   * where the deferral is settled, another token is newer, (canceled) it is being performed or was attempted again, or (performing)
   * it is held.
   */
  step(id: string, step: Step): Promise<Deferral | undefined>;
  /** The `accepted` entry's bytes and a fresh receipt for it (C2SP tlog-proof). */
  proof(id: string): Promise<{ readonly entry: Uint8Array; readonly receipt: string }>;
  /** Whether the capability is one that was given out for that deferral. Constant time. */
  admitsCapability(id: string, capability: string): Promise<boolean>;
  /** Whether that requester made it. */
  isRequester(deferral: Deferral, requester: string): Promise<boolean>;
  /** Newest first. */
  list(
    query: DeferralQuery,
  ): Promise<{ readonly deferrals: readonly Deferral[]; readonly next: string | undefined }>;
  /** The signed head: C2SP checkpoint text. */
  checkpoint(): Promise<string>;
  /** The sealed block of that height as its JSON text. */
  block(height: number): Promise<string | undefined>;
  /**
   * A hash tile or an entry bundle (C2SP tlog-tiles), full or partial; undefined where the tree has not come so far. Rejects
   * with `ledger-corrupt` where the log does not have what was signed.
   */
  tile(name: TileName): Promise<Uint8Array | undefined>;
}

/** Filters of an audit query; all that are given must hold. */
export interface DeferralQuery {
  /** 1 to 1,000. */
  readonly limit: number;
  /** The `next` of the page before. */
  readonly cursor?: string;
  readonly status?: DeferralStatus;
  readonly workType?: string;
  readonly partition?: string;
  readonly requester?: string;
}
