import { type ErrorCode, SlackwaterError } from '@slackwater/shared';

/** The codes that an engine's error can have. */
export type EngineErrorCode = Extract<ErrorCode, `engine-${string}`>;

/**
 * What an engine throws. `fate` says what became of the call: `none`, it changed nothing and may be repeated;
 * `unknown`, it may have been done (the answer was lost), and only reading can tell.
 */
export class EngineError extends SlackwaterError {
  declare readonly code: EngineErrorCode;
  readonly fate: 'none' | 'unknown';

  constructor(code: EngineErrorCode, fate: 'none' | 'unknown', message: string, options?: ErrorOptions) {
    super(code, message, options);
    this.fate = fate;
  }
}
