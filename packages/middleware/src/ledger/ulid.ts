import type { Clock } from '../clock.ts';
import { randomPiece } from './random-bytes.ts';
import { sha256 } from './sha256.ts';

// Our own forty lines rather than a package: what is needed beyond the specification is that ids of one process
// never go backwards when the wall clock does, by this clock and no other.

const alphabet = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';
/** The random part in two halves, each within what a number holds exactly. */
const halfBits = 40;
const halfLimit = 2 ** halfBits;
const halfCharacters = 8;
const timeCharacters = 10;
const markCharacters = 3;
/** What a mark leaves of the upper half. */
const unmarkedLimit = 2 ** (halfBits - 5 * markCharacters);
const timeLimitMs = 2 ** 48;

const pattern = /^[0-7][0-9A-HJKMNP-TV-Z]{25}$/;

/** Whether the text is a ULID in its canonical, upper-case spelling. */
export function isUlid(text: string): boolean {
  return pattern.test(text);
}

/** When a ULID was made, Unix milliseconds; undefined for a text that is none. */
export function timeOfUlid(id: string): number | undefined {
  return isUlid(id) ? numberOf(id.slice(0, timeCharacters)) : undefined;
}

/** What the ids of a group have in place of 15 random bits, three characters: a hint where to look for them first, and no proof. */
export function groupMark(group: string): string {
  const [first = 0, second = 0] = sha256(Buffer.from(group, 'utf8'));
  return encode((first * 256 + second) % 2 ** (5 * markCharacters), markCharacters);
}

/** The mark in an id; of an id that was made without one, any three characters. */
export function markOf(id: string): string {
  return id.slice(timeCharacters, timeCharacters + markCharacters);
}

/**
 * Makes ULIDs (github.com/ulid/spec): 48 bits of Unix milliseconds and 80 random bits, in Crockford's base 32.
 * Each is greater than the one before, within a millisecond and also when the clock jumps back: then the last
 * time is kept and the random part counted up.
 *
 * @param mark stands in place of the first 15 random bits; see {@link groupMark}
 */
export function ulidFactory(clock: Pick<Clock, 'wallNow'>, mark?: string): () => string {
  const marked = mark === undefined ? undefined : numberOf(mark) * unmarkedLimit;
  let lastMs = -1;
  let high = 0;
  let low = 0;
  return () => {
    const nowMs = Math.min(Math.max(Math.floor(clock.wallNow()), 0), timeLimitMs - 1);
    if (nowMs > lastMs) {
      lastMs = nowMs;
      const random = randomPiece(halfBits / 8).readUIntBE(0, halfBits / 8);
      high = marked === undefined ? random : marked + (random % unmarkedLimit);
      low = randomPiece(halfBits / 8).readUIntBE(0, halfBits / 8);
    } else {
      low += 1;
      if (low === halfLimit) {
        low = 0;
        high += 1;
      }
      if (high === halfLimit) {
        high = 0;
        lastMs += 1;
      }
    }
    return encode(lastMs, timeCharacters) + encode(high, halfCharacters) + encode(low, halfCharacters);
  };
}

function encode(value: number, characters: number): string {
  let rest = value;
  let text = '';
  for (let i = 0; i < characters; i++) {
    text = alphabet.charAt(rest % 32) + text;
    rest = Math.floor(rest / 32);
  }
  return text;
}

function numberOf(text: string): number {
  return [...text].reduce((value, character) => value * 32 + alphabet.indexOf(character), 0);
}
