import { createPublicKey, type KeyObject, sign, verify } from 'node:crypto';
import {
  formatCheckpoint,
  formatNote,
  formatVerifierKey,
  noteKeyId,
  openNote,
  parseCheckpoint,
} from '@slackwater/shared';
import type { LedgerKeys } from './keys.ts';
import { LedgerError } from './ledger-error.ts';
import { sha256 } from './sha256.ts';

/** A tree's head, as a checkpoint states it. */
export interface TreeHead {
  readonly size: number;
  readonly root: Uint8Array;
}

/** Signs heads and recognises its own (C2SP tlog-checkpoint, Ed25519 by OpenSSL). Which heads may be signed, the chain decides. */
export interface Signer {
  readonly origin: string;
  /** C2SP verifier key. */
  readonly verifierKey: string;
  sign(head: TreeHead): string;
  /** The head in a checkpoint that this signer's key signed under its origin; undefined for any other text. */
  open(checkpoint: string): TreeHead | undefined;
}

/** The signer of a ledger's keys. */
export function openSigner({ origin, signing: [signing] }: Pick<LedgerKeys, 'origin' | 'signing'>): Signer {
  const keyId = noteKeyId(origin, signing.publicKey, { sha256 });
  const verifierKey = formatVerifierKey(origin, signing.publicKey, { sha256 });
  return {
    origin,
    verifierKey,
    sign(head) {
      const text = formatCheckpoint({ origin, ...head });
      const signature = sign(null, Buffer.from(text, 'utf8'), required(signing.privateKey));
      return formatNote(text, [{ name: origin, keyId, signature }]);
    },
    open(checkpoint) {
      try {
        const { text } = openNote(checkpoint, [verifierKey], { sha256, ed25519Verify });
        const head = parseCheckpoint(text);
        return head.origin === origin ? { size: head.size, root: head.root } : undefined;
      } catch {
        return undefined;
      }
    },
  };
}

function required(key: KeyObject | undefined): KeyObject {
  if (key === undefined)
    throw new LedgerError('ledger-keys-differ', 'The key file has no private key that signs.');
  return key;
}

/** Ed25519 by OpenSSL, for the functions of shared: several times faster than the portable check. */
export function ed25519Verify(signature: Uint8Array, message: Uint8Array, publicKey: Uint8Array): boolean {
  const x = Buffer.from(publicKey).toString('base64url');
  if (last?.x !== x)
    last = { x, key: createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x }, format: 'jwk' }) };
  return verify(null, message, last.key, signature);
}

/** Whoever verifies a ledger asks for one key again and again; to make it takes a third as long as to use it. */
let last: { readonly x: string; readonly key: KeyObject } | undefined;
