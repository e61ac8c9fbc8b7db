import { SlackwaterError } from '@slackwater/shared';

/**
 * What a transaction is refused with where its request has been done already, or was shut out. It carries the
 * HTTP status 409, so that Express answers with it where nobody catches it.
 */
export class AlreadyPerformedError extends SlackwaterError {
  readonly status = 409;
  readonly statusCode = 409;

  constructor(cause: unknown) {
    super(
      'already-performed',
      'This request was performed before, or was given up: its completion row is there already. Nothing was changed.',
      { cause },
    );
  }
}

/** The completion table is not there, or not as it must be. */
export function tableMissing(
  cause: unknown,
  what = 'The table slackwater_completions is missing or not usable',
): SlackwaterError {
  const detail = cause instanceof Error ? ` (${cause.message})` : '';
  return new SlackwaterError(
    'completion-table-missing',
    `${what}${detail}: run the migration in docs/completion-rows.md, or give observe() the option ensure: true.`,
    { cause },
  );
}

/** A string that begins a transaction leaves no place for a completion row. */
export function transactionInOneString(): SlackwaterError {
  return new SlackwaterError(
    'transaction-in-one-string',
    'A request that is to be done once began a transaction in a string of several statements, which leaves no ' +
      'place for its completion row: send BEGIN by itself.',
  );
}

/** A statement that can't share a transaction with a completion row. */
export function statementOutsideTransaction(why: string): SlackwaterError {
  return new SlackwaterError(
    'statement-outside-transaction',
    `A request that is to be done once ran ${why}, so that it can't share a transaction with its completion row.`,
  );
}
