import { SlackwaterError } from '@slackwater/shared';

/** The key file is there and cannot be used, or none could be made. The message says what to do. */
export class KeyFileError extends SlackwaterError {
  declare readonly code: 'key-file-unreadable';

  constructor(message: string, options?: ErrorOptions) {
    super('key-file-unreadable', message, options);
  }
}
