import { isObject, type MemberShape } from './json-shape.ts';

/**
 * What led to a decision, beside its reasons: what was known when it was taken. Only what was asked is in it, whether it
 * spoke for the decision or not. Numbers are finite.
 */
export interface Because {
  /** The class of the requester, where it was asked for. */
  readonly requesterClass?: string;
  /** Measured metrics by name, each with the figure that it was compared with. */
  readonly metrics?: Readonly<Record<string, { readonly value: number; readonly over: number }>>;
  /** Why the database can't be reached: `refused`, `timed-out` or `lost`. */
  readonly unreachable?: string;
  readonly forecasts?: readonly ForecastBecause[];
  /** What scorers said, by their names. */
  readonly scores?: Readonly<Record<string, ScoreBecause>>;
}

/** One prediction of a partition's workload. */
export interface ForecastBecause {
  /** What was counted. */
  readonly forecast: 'requests' | 'commits';
  /** The interval that was looked at begins with the decision and is so long. */
  readonly withinMs: number;
  /** The highest level that is expected in it. */
  readonly perSecond: number;
  /** The level that it was compared with, per second. */
  readonly over: number;
  /** How probable it is that this level is exceeded in it, 0 to 1. */
  readonly probability: number;
}

/** What one scorer said of a request: a number, a word, or yes or no. */
export interface ScoreBecause {
  readonly score?: number;
  readonly label?: string;
  readonly defer?: boolean;
  /** Of the model or the rules. */
  readonly version?: string;
  /** The rule that fired. */
  readonly ruleId?: string;
}

/** Any JSON object: a reader takes what it knows of it. */
export const becauseShape: MemberShape = { check: isObject, expected: 'a JSON object' };
