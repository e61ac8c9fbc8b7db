import { createPublicKey, type KeyObject, sign, verify } from 'node:crypto';
import {
  formatCheckpoint,
  formatNote,
  formatRotation,
  formatVerifierKey,
  noteKeyId,
  openNote,
  parseCheckpoint,
} from '@slackwater/shared';
import { BoundedMap } from './bounded-map.ts';
import type { KeyRing } from './key-ring.ts';
import type { LedgerKeys } from './keys.ts';
import { LedgerError } from './ledger-error.ts';
import { sha256 } from './sha256.ts';

/** A tree's head, as a checkpoint states it. */
export interface TreeHead {
  readonly size: number;
  readonly root: Uint8Array;
}

/** A head that was signed, and by which of the ledger's keys: their numbers in the key file, ascending. At least one. */
export interface SignedHead extends TreeHead {
  readonly signedBy: readonly number[];
}

/**
 * Signs heads and recognises its own (C2SP tlog-checkpoint, Ed25519 by OpenSSL). Which heads may be signed, and by which of the
 * keys, the chain decides. Keys go by their number in the key file, from 0.
 */
export interface Signer {
  readonly origin: string;
  /** C2SP verifier key of the first key: whoever knows it can walk to those that came after. */
  readonly verifierKey: string;
  /** C2SP verifier keys of all keys in the key file. */
  readonly verifierKeys: readonly string[];
  /** Signed by these keys; by the first one if nothing is said. Throws `ledger-keys-differ` where the key file lacks one. */
  sign(head: TreeHead, by?: readonly number[]): string;
  /** The head in a checkpoint that one of the ledger's keys signed under its origin; undefined for any other text. */
  open(checkpoint: string): SignedHead | undefined;
  /** The note by which the key before and the key after say that the second takes over from the first. */
  signRotation(before: number, after: number): string;
  /** Reads the key file again: it may have keys by now that it had not. */
  reload(): Promise<void>;
}

/** The signer of a ledger's keys, as they are. */
export function openSigner(keys: Pick<LedgerKeys, 'origin' | 'signing'>): Signer {
  return signerOf(
    () => keys,
    async () => undefined,
  );
}

/** The signer of an open ledger, whose keys may grow. */
export function openRingSigner(ring: KeyRing): Signer {
  return signerOf(
    () => ring.keys,
    async () => {
      await ring.reload('urgent');
    },
  );
}

function signerOf(
  current: () => Pick<LedgerKeys, 'origin' | 'signing'>,
  reload: () => Promise<void>,
): Signer {
  let known = current();
  let named = nameKeys(known);
  const { origin } = known;

  function keys(): ReturnType<typeof nameKeys> {
    if (current() !== known) {
      known = current();
      named = nameKeys(known);
    }
    return named;
  }

  function signNote(text: string, by: readonly number[]): string {
    const all = keys();
    const signatures = by.map((number) => {
      const key = all[number];
      if (key?.privateKey === undefined) throw missing(number);
      const signature = sign(null, Buffer.from(text, 'utf8'), key.privateKey);
      return { name: origin, keyId: key.keyId, signature };
    });
    return formatNote(text, signatures);
  }

  return {
    origin,
    get verifierKey() {
      return keys()[0]?.verifierKey ?? '';
    },
    get verifierKeys() {
      return keys().map(({ verifierKey }) => verifierKey);
    },
    sign: (head, by = [0]) => signNote(formatCheckpoint({ origin, ...head }), by),
    signRotation(before, after) {
      const next = keys()[after];
      if (next === undefined) throw missing(after);
      return signNote(formatRotation({ origin, verifierKey: next.verifierKey }), [before, after]);
    },
    open(checkpoint) {
      try {
        const all = keys();
        const verifierKeys = all.map(({ verifierKey }) => verifierKey);
        const { text, signatures } = openNote(checkpoint, verifierKeys, { sha256, ed25519Verify });
        const head = parseCheckpoint(text);
        const ids = new Set(signatures.map(({ keyId }) => keyId));
        const signedBy = all.flatMap(({ keyId }, number) => (ids.has(keyId) ? [number] : []));
        return head.origin === origin ? { size: head.size, root: head.root, signedBy } : undefined;
      } catch {
        return undefined;
      }
    },
    reload,
  };
}

function nameKeys({ origin, signing }: Pick<LedgerKeys, 'origin' | 'signing'>) {
  return signing.map(({ privateKey, publicKey }) => ({
    privateKey,
    keyId: noteKeyId(origin, publicKey, { sha256 }),
    verifierKey: formatVerifierKey(origin, publicKey, { sha256 }),
  }));
}

function missing(number: number): LedgerError {
  return new LedgerError(
    'ledger-keys-differ',
    `The key file has no private key number ${number} to sign with, which the ledger has in force: give this host the newest key file.`,
  );
}

/** OpenSSL's form of the public keys that were used last, by the keys in base64url: to make it takes half as long as to verify. */
const publicKeys = new BoundedMap<string, KeyObject>(64);

/** Ed25519 by OpenSSL, for the functions of shared: several times faster than the portable check. */
export function ed25519Verify(signature: Uint8Array, message: Uint8Array, publicKey: Uint8Array): boolean {
  const x = Buffer.from(publicKey).toString('base64url');
  const key = publicKeys.get(x) ?? createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x }, format: 'jwk' });
  publicKeys.set(x, key);
  return verify(null, message, key, signature);
}
