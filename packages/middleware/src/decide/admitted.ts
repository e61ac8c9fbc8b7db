import type { ReasonCode } from '@slackwater/shared';
import { exempt } from './decide.ts';
import { type Entry, uncounted } from './entry.ts';

/** What became of a request's wish to be performed now. */
export type Admitted =
  | { readonly perform: true; readonly reason: ReasonCode; readonly entry: Entry }
  | {
      readonly perform: false;
      readonly reason: ReasonCode;
      /** The partition that postpones it. */
      readonly partition: string;
    };

/** The answers that are the same for all. */
export const admitted = {
  exempt: { perform: true, reason: exempt.reason, entry: uncounted },
  unknown: { perform: true, reason: 'partition-unknown', entry: uncounted },
  clear: { perform: true, reason: 'clear', entry: uncounted },
} as const satisfies Record<string, Admitted>;
