import type { KnownOperations } from './known-operations.ts';
import type { RunGround } from './run-ground.ts';
import type { RunMail } from './run-mail.ts';
import type { RunnerLease } from './runner-lease.ts';
import type { StoredRuns } from './stored-runs.ts';

/** What a runner takes. */
export interface RunnerParts {
  readonly ground: RunGround;
  readonly known: KnownOperations;
  readonly stored: StoredRuns;
  readonly lease: RunnerLease;
  readonly mail: RunMail;
  /** How long settled runs are shown, and their values kept, ms. */
  readonly keepMs: number;
  /** How long runs of operations that are not known here are left to others before they are parked, ms. */
  readonly strangeMs: number;
  readonly onTrouble: (doing: string, error: unknown) => void;
}

/** How a run is started. */
export interface StartTerms {
  /** Whose run it is, in the application's words: its values are sealed under that one's key. */
  readonly requester: string;
  /** The work type that its tasks have where the operation names none. */
  readonly workType: string;
}
