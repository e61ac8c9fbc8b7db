import type { Mode } from './mode.ts';

/** Where a work type stood on a partition when it was judged there: what its decision rests on, for people to read. */
export interface Stance {
  /**
   * The latency, ms: by commits begun since the state was entered, where there are any; else by all; else what other hosts say.
   * Undefined where none is known.
   */
  readonly valueMs: number | undefined;
  /** At which it is over there; undefined where it is exempt. */
  readonly thresholdMs: number | undefined;
  readonly state: Mode['kind'];
  /** The more important work types that it must not go before and that were not clear there, by name. */
  readonly ahead: readonly string[];
}

/** A number of ms that can be shown; undefined for what is not known or has no end. */
export function shownMs(ms: number): number | undefined {
  return Number.isFinite(ms) ? ms : undefined;
}
