/** The demo at one moment, as data: all that a frame or a plain line is made of. */
export interface Scene {
  readonly elapsedMs: number;
  /** The phases in their order; `share` is how much of the phase has passed, from 0 to 1. */
  readonly phases: readonly { readonly name: string; readonly weight: number; readonly share: number }[];
  /** What is going on, in a few words. */
  readonly headline: string;
  readonly partitions: readonly PartitionScene[];
  readonly workTypes: readonly WorkTypeScene[];
  readonly deferrals: DeferralsScene;
  /** Requests that were sent, and those that wait for their final answer. */
  readonly calls: { readonly sent: number; readonly waiting: number };
  /** The latest last. */
  readonly events: readonly Event[];
}

/** One partition's latency. */
export interface PartitionScene {
  readonly name: string;
  /** Undefined while it is unknown. */
  readonly valueMs: number | undefined;
  readonly samples: number;
  /** Latency values in equal steps of time, the latest last. */
  readonly history: readonly (number | undefined)[];
}

/** One work type on its partition. */
export interface WorkTypeScene {
  readonly name: string;
  readonly rule: 'exempt' | 'defer' | 'retry-later';
  /** Undefined where it is exempt. */
  readonly thresholdMs: number | undefined;
  readonly state: 'clear' | 'over' | 'recovering';
  readonly performed: number;
  readonly retryLater: number;
  readonly deferred: number;
}

/** What became of deferrals. */
export interface DeferralsScene {
  readonly backlog: number;
  readonly settled: number;
  /** The latest change first; those of which nothing came yet after the others. */
  readonly latest: readonly DeferralScene[];
}

/** One deferral. */
export interface DeferralScene {
  readonly id: string;
  readonly workType: string;
  readonly stage: 'queued' | 'postponed' | 'retrying' | 'parked' | 'performed' | 'failed' | 'canceled';
  /** How often it was looked at and left on its queue. */
  readonly postponements: number;
  /** From acceptance to now, or to its end. */
  readonly ageMs: number;
  /** The route's status, where it was performed. */
  readonly status: number | undefined;
}

/** Something worth a line. */
export interface Event {
  readonly atMs: number;
  readonly tone: Tone;
  readonly text: string;
}

/** How something is meant. */
export type Tone = 'plain' | 'strong' | 'quiet' | 'good' | 'careful' | 'bad' | 'accent';
