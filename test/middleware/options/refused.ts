import { isSlackwaterError, type SlackwaterError } from '@slackwater/shared';
import { resolveOptions } from '../../../packages/middleware/src/options/resolve-options.ts';

/** What the options are refused with. Throws where they are not, or with something else. */
export function refusalOf(options: unknown): SlackwaterError {
  try {
    resolveOptions(options);
  } catch (error) {
    if (isSlackwaterError(error)) return error;
    throw error;
  }
  throw new Error('these options were not refused');
}
