import type { ClaimedRun } from '../ledger/operation-records.ts';
import type { KnownOperations } from './known-operations.ts';
import type { RunGround } from './run-ground.ts';
import type { RunMail } from './run-mail.ts';
import type { RunnerLease } from './runner-lease.ts';
import type { mostWholeRuns } from './runs-here.ts';
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
  /** How many runs that wait for values from outside are kept whole in memory. Default: {@link mostWholeRuns}. */
  readonly mostWhole?: number;
  /** Makes an operation known of that name and version that is stored as data; false where there is none. Default: none is. */
  readonly learn?: (operation: string, version: string) => Promise<boolean>;
  readonly onTrouble: (doing: string, error: unknown) => void;
  /** A run that requests may wait for is settled, and noted to be. */
  readonly onSettled?: (id: string) => void;
}

/** How a run is started. */
export interface StartTerms {
  /** Whose run it is, in the application's words: its values are sealed under that one's key. */
  readonly requester: string;
  /** That one's pseudonym, where it is known: then `requester` is not asked. */
  readonly pseudonym?: string;
  /** The work type that its tasks have where the operation names none. */
  readonly workType: string;
  /** Its id, and the key that stands for it. Default: a new id. Rejects where there is a run of that id. */
  readonly claimed?: ClaimedRun;
  /** Whether requests may wait for it, of which there may then be a deferral. Default false. */
  readonly isAwaited?: boolean;
}
