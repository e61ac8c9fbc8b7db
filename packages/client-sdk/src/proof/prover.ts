// What follows deferrals, and what takes signatures and hashes to be checked. It is loaded when the first deferral or question about a proof comes, so that a page that
// meets none does not load it.
export { provenCheckpoint, provenReceipt } from '../audit/proven.ts';
export { cancel, provideInputs } from '../deferral/orders.ts';
export { DeferralSession } from '../deferral/session.ts';
export { verifyDeferral } from './verify-deferral.ts';
