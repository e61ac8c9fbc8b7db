import type { LedgerReport } from '@slackwater/shared';

/** What a host tells the process that started it, where that listens. */
export type FromHost =
  | { readonly type: 'listening'; readonly address: string; readonly verifierKey: string }
  | { readonly type: 'tally'; readonly tally: Tally }
  | { readonly type: 'event'; readonly tone: 'good' | 'careful' | 'bad'; readonly text: string }
  | { readonly type: 'verified'; readonly report: LedgerReport };

/** What it can be asked: to verify the ledger from its stored bytes, against an old checkpoint. */
export interface ToHost {
  readonly type: 'verify';
  readonly checkpoint: string;
}

/** What one host has seen and done since it started. */
export interface Tally {
  /** Latency value of the database as this host measures it; undefined while it is unknown. */
  readonly latencyMs: number | undefined;
  readonly workTypes: Readonly<Record<string, WorkTypeTally>>;
  /** Deferrals that this host performed, whoever accepted them. */
  readonly settled: number;
}

/** One work type on one host. */
export interface WorkTypeTally {
  readonly state: 'clear' | 'over' | 'recovering';
  readonly performed: number;
  readonly retryLater: number;
  readonly deferred: number;
}
