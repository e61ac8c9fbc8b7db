import type { ErrorCode } from '@slackwater/shared';

/** Which deferral an event is about. */
export interface PerformedItem {
  readonly id: string;
  readonly partition: string;
  readonly workType: string;
}

/** Why a deferral did not come to a good end. */
export interface PerformError {
  readonly code: ErrorCode;
  readonly message: string;
}

/** What the performer tells whoever listens. Each is told after it has become durable. */
export type PerformerEvent =
  | ({
      readonly type: 'performed';
      /** False where the work is done and the route's answer is not known. */
      readonly outcomeKnown: boolean;
      /** The route's status, where it answered. */
      readonly status: number | undefined;
    } & PerformedItem)
  | ({ readonly type: 'failed'; readonly error: PerformError } & PerformedItem)
  | ({ readonly type: 'retrying'; readonly error: PerformError; readonly retryAt: number } & PerformedItem)
  | ({ readonly type: 'postponed'; readonly reasons: readonly string[] } & PerformedItem)
  | ({ readonly type: 'parked'; readonly error: PerformError } & PerformedItem)
  | ({ readonly type: 'canceled' } & PerformedItem)
  /** It has been postponed for longer than its work type allows; `act` is what is done about it. */
  | ({ readonly type: 'postponed-too-long'; readonly act: 'alert' | 'perform' | 'fail' } & PerformedItem)
  /** It was parked, and somebody put it back on the queue. */
  | ({ readonly type: 'redriven'; readonly by: string } & PerformedItem)
  /** Its success had been told, it came to nothing, and now that is undone: `compensation` is the deferral that did it. */
  | ({ readonly type: 'reversed'; readonly compensation: string } & PerformedItem)
  /** It was promised to be performed, or reported, by `deadlineAt` (Unix milliseconds), and was not. It goes on as before. */
  | ({ readonly type: 'promise-missed'; readonly deadlineAt: number } & PerformedItem)
  /** Another process has the item now; this one's attempt was ended. */
  | ({ readonly type: 'lease-lost' } & PerformedItem)
  /** Trouble of the engine or the database; the work is tried again later by itself. */
  | {
      readonly type: 'trouble';
      /** What was being done. */
      readonly doing: string;
      readonly error: unknown;
      readonly partition?: string;
      readonly id?: string;
    };
