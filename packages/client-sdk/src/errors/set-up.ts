import { ClientError } from './client-error.ts';

/** `option-invalid`: an option has a value that can't be used; the message has its name, the value and what to give. */
export class OptionInvalidError extends ClientError {
  constructor(message: string) {
    super('option-invalid', message);
  }
}

/** `option-unknown`: there is no option of that name; the message has those that there are. */
export class OptionUnknownError extends ClientError {
  constructor(message: string) {
    super('option-unknown', message);
  }
}

/** `verifier-key-malformed`: a text is no C2SP verifier key. */
export class VerifierKeyShapeError extends ClientError {
  constructor(key: string) {
    super(
      'verifier-key-malformed',
      `verifierKeys: "${key.slice(0, 80)}" is no verifier key; give the line "name+hash+key" that slackwater keys shows`,
    );
  }
}

/** `option-missing`: an option without which there is nothing to do. */
export class OptionMissingError extends ClientError {
  constructor(message: string) {
    super('option-missing', message);
  }
}
