import type { DeferralPhase, DeferralStatus } from '@slackwater/shared';
import type { IndexFilter } from './contract.ts';

/** Status, phase and the mark of corrupt records, which an index holds as one small number. */
export interface IndexState {
  readonly status: DeferralStatus;
  readonly phase: DeferralPhase;
  readonly corrupt: boolean;
}

/** Every state that a deferral can be in, by its code. Codes are on disk: new ones go to the end. */
export const stateCodes: readonly IndexState[] = [
  state('NotStarted', 'queued'),
  state('NotStarted', 'postponed'),
  state('NotStarted', 'parked'),
  state('NotStarted', 'parked', true),
  state('Running', 'performing'),
  state('Running', 'postponed'),
  state('Running', 'retrying'),
  state('Running', 'parked'),
  state('Running', 'parked', true),
  state('Succeeded', 'settled'),
  state('Failed', 'settled'),
  state('Canceled', 'settled'),
];

/** The code of a state. Throws a `RangeError` for one that no life comes to. */
export function codeOf({ status, phase, corrupt }: IndexState): number {
  const code = stateCodes.findIndex(
    (known) => known.status === status && known.phase === phase && known.corrupt === corrupt,
  );
  if (code === -1) throw new RangeError(`${status}, ${phase} is no state of a deferral`);
  return code;
}

/** The codes that a filter admits; undefined where it says nothing of states. */
export function codesOf({ status, phase, corrupt }: IndexFilter): readonly number[] | undefined {
  if (status === undefined && phase === undefined && corrupt === undefined) return undefined;
  return stateCodes.flatMap((known, code) => {
    const admitted =
      (status === undefined || known.status === status) &&
      (phase === undefined || known.phase === phase) &&
      (corrupt === undefined || known.corrupt === corrupt);
    return admitted ? [code] : [];
  });
}

/** The codes of corrupt records. */
export const corruptCodes: readonly number[] = codesOf({ corrupt: true }) ?? [];

/** The codes of what waits for somebody to look at it. */
export const parkedCodes: readonly number[] = codesOf({ phase: 'parked' }) ?? [];

function state(status: DeferralStatus, phase: DeferralPhase, corrupt = false): IndexState {
  return { status, phase, corrupt };
}
