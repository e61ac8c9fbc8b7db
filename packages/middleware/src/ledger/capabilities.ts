import { timingSafeEqual } from 'node:crypto';
import { EngineError } from '../engines/engine-error.ts';
import type { EngineStore } from '../engines/store.ts';
import { LedgerError } from './ledger-error.ts';
import { randomPiece } from './random-bytes.ts';
import { sha256 } from './sha256.ts';

// Capabilities given out beyond the first (which is in the payload record): the store's value at access/<id>, a JSON list
// of base64 SHA-256, oldest first.

const capabilityBytes = 32;
const mostKept = 16;
const mostTries = 32;

/** The right to read one deferral, in the hands of whoever knows 256 random bits. */
export interface Capabilities {
  /** Gives out another one. The oldest beyond 16 are forgotten. */
  add(id: string): Promise<string>;
  /** Whether it is one of those that {@link add} gave out. */
  admits(id: string, capability: string): Promise<boolean>;
}

/** A fresh capability and what is kept of it. */
export function makeCapability(): { readonly capability: string; readonly hash: string } {
  const capability = randomPiece(capabilityBytes).toString('base64url');
  return { capability, hash: hashOf(capability) };
}

/** Whether the capability has that hash. In constant time. */
export function matchesHash(capability: string, hash: string): boolean {
  const expected = Buffer.from(hash, 'base64');
  const actual = Buffer.from(hashOf(capability), 'base64');
  return expected.length === actual.length && timingSafeEqual(expected, actual);
}

/** The further capabilities in a store. */
export function openCapabilities(store: EngineStore): Capabilities {
  async function read(id: string): Promise<{ hashes: string[]; revision: number } | undefined> {
    const stored = await store.get(`access/${id}`);
    if (stored === undefined) return undefined;
    return { hashes: parseHashes(id, stored.value), revision: stored.revision };
  }

  return {
    async add(id) {
      const { capability, hash } = makeCapability();
      for (let i = 0; i < mostTries; i++) {
        const known = await read(id);
        const value = Buffer.from(JSON.stringify([...(known?.hashes ?? []), hash].slice(-mostKept)), 'utf8');
        const written =
          known === undefined
            ? await store.create(`access/${id}`, value)
            : await store.update(`access/${id}`, value, known.revision);
        if (written !== undefined) return capability;
      }
      throw new EngineError(
        'engine-unavailable',
        'none',
        `The capabilities of ${id} are written by too many at once.`,
      );
    },
    async admits(id, capability) {
      const known = await read(id);
      // Every hash is looked at, so that the time does not tell which one it was.
      return (known?.hashes ?? []).filter((hash) => matchesHash(capability, hash)).length > 0;
    },
  };
}

function parseHashes(id: string, value: Uint8Array): string[] {
  try {
    const hashes: unknown = JSON.parse(Buffer.from(value).toString('utf8'));
    if (Array.isArray(hashes)) return hashes.filter((hash) => typeof hash === 'string');
  } catch {
    // said below
  }
  throw new LedgerError('record-corrupt', `The capabilities of deferral ${id} are not readable.`);
}

function hashOf(capability: string): string {
  return Buffer.from(sha256(Buffer.from(capability, 'utf8'))).toString('base64');
}
