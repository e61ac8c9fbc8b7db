import type { BatchRun, RunTrigger } from './batch-types.ts';

/** What a batch tells those who listen. */
export type BatchEvent =
  | {
      readonly type: 'started';
      readonly batch: string;
      readonly workType: string;
      /** The id of the run. */
      readonly run: string;
      readonly trigger: RunTrigger;
    }
  | { readonly type: 'ended'; readonly batch: string; readonly workType: string; readonly run: BatchRun }
  /** It has been postponed for longer than `maxPostponeMs`; told once, and again after it was performed and is so anew. */
  | {
      readonly type: 'overdue';
      readonly batch: string;
      readonly workType: string;
      /** RFC 3339. */
      readonly postponedSince: string;
      readonly postponements: number;
      /** What is done about it, `whenPostponedTooLong`. */
      readonly act: 'alert' | 'perform' | 'fail';
    }
  | { readonly type: 'paused'; readonly batch: string; readonly workType: string }
  | { readonly type: 'resumed'; readonly batch: string; readonly workType: string };
