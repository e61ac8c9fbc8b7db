import { SlackwaterError } from '@slackwater/shared';

/** Code `part-unknown`: no part of that name is registered. */
export class PartUnknownError extends SlackwaterError {
  constructor(name: unknown, known: readonly string[]) {
    const there = known.length === 0 ? 'none is' : `registered are ${known.join(', ')}`;
    super(
      'part-unknown',
      `There is no part ${JSON.stringify(String(name).slice(0, 60))}: ${there}. Parts are registered in the gate's option parts, { email: { perform } }.`,
    );
  }
}

/** Code `part-refused`: the part can't be deferred like this; nothing was recorded. */
export class PartRefusedError extends SlackwaterError {
  constructor(name: string, what: string) {
    super('part-refused', `The part ${name} can't be deferred: ${what}.`);
  }
}

/** Code `part-not-deferred`: it could not be recorded. */
export class PartNotDeferredError extends SlackwaterError {
  /** `unknown`: it may have been recorded. It is performed only if the request succeeds. */
  readonly fate: 'none' | 'unknown';

  constructor(name: string, what: string, cause?: unknown) {
    const fate = fateOf(cause);
    const recorded = fate === 'none' ? 'it was not recorded' : 'it may have been recorded';
    super('part-not-deferred', `The part ${name} could not be deferred, and ${recorded}: ${what}.`, {
      cause,
    });
    this.fate = fate;
  }
}

function fateOf(cause: unknown): 'none' | 'unknown' {
  return (cause as { readonly fate?: unknown } | undefined)?.fate === 'unknown' ? 'unknown' : 'none';
}
