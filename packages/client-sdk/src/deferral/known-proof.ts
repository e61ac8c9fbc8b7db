import { type DeferralResource, leafHash } from '@slackwater/shared';

/** What of a resource is its proof. */
export type ProofTexts = Pick<DeferralResource, 'receipt' | 'entry' | 'salt'>;

/**
 * What is held of a proof that was verified and is kept, by which it is known again: two hashes in a text as short as they are, for ten thousand
 * may wait. Of the record, entry and salt, and of its receipt: a server may give a later one of the same record.
 */
export function marksOf({ receipt, entry, salt }: ProofTexts): string {
  // Two texts that were put together would be held apart.
  return String.fromCharCode(...hashOf(`${entry} ${salt}`), ...hashOf(receipt));
}

/** Whether a proof is that very one, or proves the same record otherwise, or is another. */
export function compareProof(proof: ProofTexts, marks: string): 'same' | 'same-record' | 'other' {
  const own = marksOf(proof);
  if (own === marks) return 'same';
  return own.slice(0, markLength) === marks.slice(0, markLength) ? 'same-record' : 'other';
}

const markLength = 32;
const encoder = new TextEncoder();

function hashOf(text: string): Uint8Array {
  return leafHash(encoder.encode(text));
}
