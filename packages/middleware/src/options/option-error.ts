import { type ErrorCode, SlackwaterError } from '@slackwater/shared';
import { said } from './said.ts';

/** An option that can't be what it is. */
class OptionError extends SlackwaterError {
  /** Its full name, `workTypes.settle.thresholdMs`; empty where the options as a whole are meant. */
  readonly option: string;

  constructor(code: ErrorCode, option: string, message: string, options?: ErrorOptions) {
    super(code, message, options);
    this.option = option;
  }
}

/** Code `option-invalid`: the option has a value that it can't have. */
export class OptionInvalidError extends OptionError {
  /**
   * @param value what stands there; quoted in the message
   * @param advice what to give in its stead, to be read after a semicolon
   */
  constructor(option: string, value: unknown, advice: string, options?: ErrorOptions) {
    super('option-invalid', option, `${option}: ${said(value)}; ${advice}`, options);
  }
}

/** Code `option-invalid`: the value would do by itself, and what it says does not go with something else. */
export class OptionContradictionError extends OptionError {
  constructor(option: string, what: string) {
    super('option-invalid', option, `${option}: ${what}`);
  }
}

/** Code `option-unknown`: there is no option of that name. */
export class OptionUnknownError extends OptionError {
  constructor(option: string, hint: string) {
    super('option-unknown', option, `${option}: there is no such option; ${hint}`);
  }
}

/** Code `option-missing`: the option is needed, always or beside another one. */
export class OptionMissingError extends OptionError {
  constructor(option: string, what: string) {
    super('option-missing', option, `${option}: missing; ${what}`);
  }
}
