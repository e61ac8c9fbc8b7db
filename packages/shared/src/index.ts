export { type ErrorCode, errorCodes, type ReasonCode, reasonCodes } from './codes.ts';
export type { DeferralPhase, DeferralResource, DeferralStatus, Durability } from './deferral.ts';
export { type EntryType, entryTypes, type LedgerBlock, type LedgerEntry } from './entry.ts';
export { isSlackwaterError, SlackwaterError } from './errors.ts';
export type { HashOptions } from './hash.ts';
export { emptyRoot, leafHash, nodeHash } from './merkle-hash.ts';
export {
  consistencyPath,
  foldSubtrees,
  inclusionPath,
  type LeafRange,
  type Subtree,
  subtreesOf,
} from './merkle-path.ts';
export { ParameterError } from './parameter-error.ts';
