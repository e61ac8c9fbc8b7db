import { SlackwaterError } from '@slackwater/shared';

/**
 * What the index rejects with. `index-behind`: it has not read the log far enough yet, or can't be read; the message has how
 * far. `parameter-invalid`: the query or its cursor can't be meant.
 */
export class IndexError extends SlackwaterError {
  declare readonly code: 'index-behind' | 'parameter-invalid';

  constructor(code: IndexError['code'], message: string, options?: ErrorOptions) {
    super(code, message, options);
  }
}
