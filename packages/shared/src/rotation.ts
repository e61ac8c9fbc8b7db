/** A change of the key that signs: a signed note by which whoever knows the key before learns to trust the one after. */
import type { VerifyOptions } from './ed25519.ts';
import { isObject } from './json-shape.ts';
import { openNote, splitNote } from './note.ts';
import { textOfUtf8, utf8 } from './text.ts';
import { parseVerifierKey, parseVerifierKeys } from './verifier-key.ts';

const header = 'slackwater-key-rotation/v1';
/** So many rotations are walked at most. */
const mostRotations = 1_000;

/** What a rotation says. */
export interface KeyRotation {
  /** Of the ledger; both keys bear its name. */
  readonly origin: string;
  /** C2SP verifier key of the key that is in force from then on. */
  readonly verifierKey: string;
}

/** The text that both keys sign. */
export function formatRotation({ origin, verifierKey }: KeyRotation): string {
  return `${header}\n${origin}\n${verifierKey}\n`;
}

/**
 * The verifier key that a rotation puts in force, where one of `verifierKeys` that is named as the origin has signed it and the new key has,
 * too; undefined for anything else. Never throws.
 */
export function verifyRotation(
  note: unknown,
  verifierKeys: readonly string[],
  options?: VerifyOptions,
): string | undefined {
  try {
    const lines = splitNote(note).text.split('\n');
    const [first, origin = '', verifierKey = '', end, ...more] = lines;
    if (first !== header || end !== '' || more.length > 0) return undefined;
    const next = parseVerifierKey(verifierKey, options);
    // Before they are copied: they may be anything.
    parseVerifierKeys(verifierKeys, options);
    const { signatures } = openNote(note as string, [...verifierKeys, verifierKey], options);
    const isNext = ({ name, keyId }: { name: string; keyId: string }): boolean =>
      name === next.name && keyId === next.keyId;
    const byNext = signatures.some(isNext);
    const byOther = signatures.some((signature) => signature.name === origin && !isNext(signature));
    return next.name === origin && byNext && byOther ? verifierKey : undefined;
  } catch {
    return undefined;
  }
}

/**
 * Walks rotations in their order: each must be signed by the key in force before it, and puts the next one in force. Gives the keys in force in
 * the end, and all that were met; ends at the first that leads nowhere. Throws `verifier-key-malformed`.
 */
export function walkRotations(
  verifierKeys: readonly string[],
  rotations: readonly unknown[],
  options?: VerifyOptions,
): { readonly inForce: readonly string[]; readonly met: readonly string[] } {
  if (rotations.length === 0) return { inForce: verifierKeys, met: verifierKeys };
  parseVerifierKeys(verifierKeys, options);
  let inForce = verifierKeys;
  const met = [...verifierKeys];
  for (const rotation of rotations.slice(0, mostRotations)) {
    const next = verifyRotation(rotation, inForce, options);
    // None behind it can be of use, and looking at signatures is what costs.
    if (next === undefined) break;
    inForce = [next];
    met.push(next);
  }
  return { inForce, met };
}

/** Rotations as the `extra` of a receipt. */
export function encodeRotations(rotations: readonly string[]): Uint8Array {
  return utf8(JSON.stringify({ rotations }));
}

/** The rotations in the `extra` of a receipt; none where it holds something else. */
export function decodeRotations(extra: Uint8Array | undefined): readonly unknown[] {
  try {
    const value: unknown = extra === undefined ? undefined : JSON.parse(textOfUtf8(extra) ?? '');
    return isObject(value) && Array.isArray(value['rotations']) ? value['rotations'] : [];
  } catch {
    return [];
  }
}
