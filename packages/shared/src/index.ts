export { type ErrorCode, errorCodes, type ReasonCode, reasonCodes } from './codes.ts';
export type { DeferralPhase, DeferralResource, DeferralStatus, Durability } from './deferral.ts';
export { type EntryType, entryTypes, type LedgerBlock, type LedgerEntry } from './entry.ts';
export { isSlackwaterError, SlackwaterError } from './errors.ts';
