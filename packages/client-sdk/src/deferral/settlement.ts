import type { DeferralResource } from '@slackwater/shared';
import type { AxiosResponse } from 'axios';
import {
  DeferralCanceledError,
  DeferralFailedError,
  DeferralNotFoundError,
  StatusRefusedError,
} from '../errors/deferrals.ts';
import type { Reading } from './reading.ts';

/** How a deferral ended well enough for a response: with the route's own, or with the knowledge that the work is done. */
export type Settlement =
  | { readonly kind: 'outcome'; readonly response: AxiosResponse<unknown> }
  | { readonly kind: 'outcome-unknown' };

/**
 * What a reading says of the end: undefined while there is none.
 *
 * @throws DeferralFailedError, DeferralCanceledError, DeferralNotFoundError, StatusRefusedError.
 */
export function settlementOf(
  reading: Reading,
  resource: DeferralResource | undefined,
  id: string,
): Settlement | undefined {
  switch (reading.kind) {
    case 'final':
      return { kind: 'outcome', response: reading.response };
    case 'resource':
    case 'accepted':
    case 'unclear':
      return undefined;
    case 'refused':
      throw new StatusRefusedError(id, reading.status);
    case 'absent':
      return settledWithoutOutcome(resource, id);
    default:
      return reading satisfies never;
  }
}

/** Whether more can become of it. */
export function isOpen(resource: DeferralResource): boolean {
  return resource.status === 'NotStarted' || resource.status === 'Running';
}

/** Whether nothing more can become of it: settled, and what was owed for a success that came to nothing is undone. */
export function isOver(resource: DeferralResource): boolean {
  return !isOpen(resource) && (resource.reversal === undefined || resource.reversal.reversed);
}

/** What it means that there is no outcome, by the state of the deferral. */
function settledWithoutOutcome(resource: DeferralResource | undefined, id: string): Settlement {
  switch (resource?.status) {
    case 'Succeeded':
      return { kind: 'outcome-unknown' };
    case 'Failed':
      throw new DeferralFailedError(id, resource.error);
    case 'Canceled':
      throw new DeferralCanceledError(id);
    default:
      throw new DeferralNotFoundError(id);
  }
}
