import { isSlackwaterError } from '@slackwater/shared';
import { isAxiosError, isCancel } from 'axios';
import { AbortedError } from '../errors/waiting.ts';

/**
 * The error that a call's caller gets: axios's own cancellation, from before the request was sent, becomes the typed one, and the mark that
 * kept another axios-retry out is taken off the config, so that the caller may send it again.
 */
export function errorForCaller(error: unknown, retryMarkWasOurs: boolean): unknown {
  if (isCancel(error) && !isSlackwaterError(error)) return new AbortedError({ cause: error });
  if (retryMarkWasOurs && isAxiosError(error) && error.config !== undefined)
    delete error.config['axios-retry'];
  return error;
}
