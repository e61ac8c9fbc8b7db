import type { GateParts, Recorder } from '../gate-parts.ts';
import type { RequestFacts } from '../request-facts.ts';

/** What deferring parts of requests needs of the other stages. */
export interface PartMeans extends Pick<GateParts, 'options' | 'clock' | 'recorders' | 'trouble'> {
  /** Undefined where nothing is recorded: there is no engine. */
  readonly desk: PartDesk | undefined;
}

/** Where parts are recorded. */
export interface PartDesk {
  /** The requests that this process performs and that have deferred parts, by the id that those have for them. */
  readonly underWay: Set<string>;
  /** An id for a request that is performed at once. */
  newRequestId(): string;
  /** The deferral that a replay is of, and where it is recorded. Rejects where it can't be found. */
  parentOf(id: string): Promise<ParentDeferral>;
  /** Records a part, held; undefined where the queue is full. Rejects with an `EngineError` or a `LedgerError`. */
  record(at: Recorder, part: PartToRecord): Promise<RecordedPart | undefined>;
  /** Lets it be performed. Tries for a while, and never rejects: then it is found out later how its request ended. */
  release(at: Recorder, id: string, partition: string): Promise<void>;
  /** Its request came to nothing. Likewise. */
  cancel(at: Recorder, id: string): Promise<void>;
  /** Waits for what is being released or canceled, and tries none of it again. */
  close(): Promise<void>;
}

/** A part that is recorded. */
export interface RecordedPart {
  readonly id: string;
  /** Undefined where an earlier try of its request recorded it, with another payload. */
  readonly capability: string | undefined;
}

/** What a part of a replayed request inherits. */
export interface ParentDeferral {
  readonly at: Recorder;
  readonly partition: string;
  /** The requester's pseudonym. */
  readonly pseudonym: string;
}

/** A part as it is recorded. */
export interface PartToRecord {
  readonly name: string;
  /** JSON, UTF-8. */
  readonly payload: Uint8Array;
  readonly parent:
    | { readonly kind: 'deferral'; readonly id: string; readonly attempt: number }
    | {
        readonly kind: 'request';
        readonly id: string;
        readonly rows?: { readonly key: string; readonly partitions: readonly string[] };
      };
  readonly key: string;
  readonly ordinal: number;
  readonly workType: string;
  readonly priority: number;
  readonly partition: string;
  readonly requester: string;
  readonly pseudonym?: string;
  readonly orderKey?: string;
  readonly maxDelayMs?: number;
}

/** A request that the gate let through, as far as its parts go by it. */
export interface Passed {
  /** Facts of a request from outside; undefined for a replay. */
  readonly facts: RequestFacts | undefined;
  readonly replay: ReplayOf | undefined;
}

/** A request that a gate let through, with what that gate has for it. */
export interface PassedRequest extends Passed {
  readonly means: PartMeans;
  /** Where the gate's resources are. */
  readonly baseUrl: string;
}

/** What a part must know of the replay that defers it. */
export interface ReplayOf {
  readonly id: string;
  readonly attempt: number;
  readonly completionKey: string;
  readonly workType: string;
}
