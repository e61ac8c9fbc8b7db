import type { Clock } from '../clock.ts';
import { randomPiece } from './random-bytes.ts';

// Our own forty lines rather than a package: what is needed beyond the specification is that ids of one process
// never go backwards when the wall clock does, by this clock and no other.

const alphabet = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';
const randomBits = 80n;
const randomLimit = 1n << randomBits;
const timeLimitMs = 2 ** 48;

const pattern = /^[0-7][0-9A-HJKMNP-TV-Z]{25}$/;

/** Whether the text is a ULID in its canonical, upper-case spelling. */
export function isUlid(text: string): boolean {
  return pattern.test(text);
}

/**
 * Makes ULIDs (github.com/ulid/spec): 48 bits of Unix milliseconds and 80 random bits, in Crockford's base 32.
 * Each is greater than the one before, within a millisecond and also when the clock jumps back: then the last
 * time is kept and the random part counted up.
 */
export function ulidFactory(clock: Pick<Clock, 'wallNow'>): () => string {
  let lastMs = -1;
  let random = 0n;
  return () => {
    const nowMs = Math.min(Math.max(Math.floor(clock.wallNow()), 0), timeLimitMs - 1);
    if (nowMs > lastMs) {
      lastMs = nowMs;
      random = BigInt(`0x${randomPiece(Number(randomBits) / 8).toString('hex')}`);
    } else {
      random += 1n;
      if (random === randomLimit) {
        lastMs += 1;
        random = 0n;
      }
    }
    return encode((BigInt(lastMs) << randomBits) | random);
  };
}

function encode(value: bigint): string {
  let rest = value;
  let text = '';
  for (let i = 0; i < 26; i++) {
    text = alphabet.charAt(Number(rest & 31n)) + text;
    rest >>= 5n;
  }
  return text;
}
