/**
 * What the performer asks before each item: does the partition take this work now? The answer is decided anew
 * each time from the latency value, whatever was decided when the request was deferred.
 */
export interface Admission {
  admit(item: AdmissionItem): AdmissionAnswer;
}

/** The facts about a queued item that bear on its admission. */
export interface AdmissionItem {
  readonly partition: string;
  readonly workType: string;
  /** 1 is the most important. */
  readonly priority: number;
}

/** One of the two; with the reasons, as reason codes, the first of which decided. */
export type AdmissionAnswer =
  | {
      readonly admitted: true;
      readonly reasons: readonly string[];
      /** Called when a transaction or write of the attempt begins: a probe counts only if it commits one. */
      wrote?(partition: string): void;
      /**
       * How near the partition is to postponing work, now: its latency as a share of the lowest threshold there. Absent: 0, it
       * is not known.
       */
      strain?(): number;
      /** Called once, when the attempt has ended, however it did. */
      finished(): void;
    }
  | {
      readonly admitted: false;
      readonly reasons: readonly string[];
      /** When asking again makes sense, such as the time of the partition's next probe. */
      readonly askAgainInMs: number;
      /**
       * No other item of the partition would be admitted either: so the item need not make way for them, and another host may
       * have it at once. Absent: false.
       */
      readonly closed?: boolean;
    };
