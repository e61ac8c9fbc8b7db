import { CommandFailed } from '../failures.ts';

/** The target has gone another way, and one of the two is not to be trusted: nothing is mended here. */
export function notThisLedger(difference: string): CommandFailed {
  return new CommandFailed(
    `the target is not a part of this ledger: ${difference}. Give an empty target, or the one that was begun`,
  );
}
