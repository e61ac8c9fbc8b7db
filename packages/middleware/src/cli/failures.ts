/** What was asked for can't be meant. The message has the value and the way out; the command ends with 2. */
export class UsageError extends Error {}

/** A ledger was looked at whole, and is not what was signed. The message names the first fault; the command ends with 3. */
export class NotVerified extends Error {}

/** What was asked for was tried and could not be done. The message has the facts and the way out; the command ends with 1. */
export class CommandFailed extends Error {}
