/** Tells of most canonical JSON that it is, at a tenth of what writing it anew costs. */

const maxDepth = 500;
/** Fewer digits than 2^53 has: such an integer is written as ECMAScript prints it. */
const mostDigits = 15;

const quote = 0x22;
const comma = 0x2c;
const minus = 0x2d;
const zero = 0x30;
const nine = 0x39;
const colon = 0x3a;
const openList = 0x5b;
const backslash = 0x5c;
const closeList = 0x5d;
const openObject = 0x7b;
const closeObject = 0x7d;
const numberUnits = new Set(Array.from('+-.e', (sign) => sign.charCodeAt(0)));
const words = ['true', 'false', 'null'];

/**
 * True for a text that is canonical JSON for certain (RFC 8785). False says nothing: texts with escapes or surrogates, names beyond
 * ASCII, and whatever is not canonical are for others to judge. One pass; never throws.
 */
export function isPlainlyCanonical(text: string): boolean {
  return endOfValue(text, 0, 0) === text.length;
}

/** Where the value that begins at `at`, within so many objects and lists, ends; -1 where it is not canonical for certain. */
function endOfValue(text: string, at: number, depth: number): number {
  const unit = text.charCodeAt(at);
  if (unit === quote) return endOfString(text, at);
  if ((unit >= zero && unit <= nine) || unit === minus) return endOfNumber(text, at);
  if (depth === maxDepth) return -1;
  if (unit === openObject) return endOfObject(text, at, depth);
  if (unit === openList) return endOfList(text, at, depth);
  for (const word of words) if (text.startsWith(word, at)) return at + word.length;
  return -1;
}

function endOfObject(text: string, start: number, depth: number): number {
  let at = start + 1;
  if (text.charCodeAt(at) === closeObject) return at + 1;
  let [before, beforeEnd] = [-1, -1];
  for (;;) {
    const end = text.charCodeAt(at) === quote ? endOfName(text, at) : -1;
    if (end === -1 || text.charCodeAt(end) !== colon) return -1;
    if (before !== -1 && !isBefore(text, before, beforeEnd, at, end)) return -1;
    [before, beforeEnd] = [at, end];
    at = endOfValue(text, end + 1, depth + 1);
    if (at === -1) return -1;
    const next = text.charCodeAt(at);
    if (next === closeObject) return at + 1;
    if (next !== comma) return -1;
    at += 1;
  }
}

function endOfList(text: string, start: number, depth: number): number {
  let at = start + 1;
  if (text.charCodeAt(at) === closeList) return at + 1;
  for (;;) {
    at = endOfValue(text, at, depth + 1);
    if (at === -1) return -1;
    const next = text.charCodeAt(at);
    if (next === closeList) return at + 1;
    if (next !== comma) return -1;
    at += 1;
  }
}

/** Surrogates are left to others, who look whether they are in pairs. */
function endOfString(text: string, start: number): number {
  for (let at = start + 1; at < text.length; at++) {
    const unit = text.charCodeAt(at);
    if (unit === quote) return at + 1;
    if (unit < 0x20 || unit === backslash || (unit >= 0xd800 && unit <= 0xdfff)) return -1;
  }
  return -1;
}

/** Where the name whose first quote is at `start` ends, behind the second one; -1 where it is not plain ASCII. */
function endOfName(text: string, start: number): number {
  for (let at = start + 1; at < text.length; at++) {
    const unit = text.charCodeAt(at);
    if (unit === quote) return at + 1;
    if (unit < 0x20 || unit === backslash || unit > 0x7e) return -1;
  }
  return -1;
}

/** Whether one name, with its quotes, comes before another. */
function isBefore(text: string, a: number, aEnd: number, b: number, bEnd: number): boolean {
  const [aLength, bLength] = [aEnd - a - 2, bEnd - b - 2];
  const length = Math.min(aLength, bLength);
  for (let i = 1; i <= length; i++) {
    const difference = text.charCodeAt(a + i) - text.charCodeAt(b + i);
    if (difference !== 0) return difference < 0;
  }
  return aLength < bLength;
}

function endOfNumber(text: string, start: number): number {
  let at = start;
  while (text.charCodeAt(at) >= zero && text.charCodeAt(at) <= nine) at += 1;
  const next = text.charCodeAt(at);
  const isInteger = next === comma || next === closeObject || next === closeList || at === text.length;
  if (isInteger && at - start <= mostDigits) {
    return text.charCodeAt(start) === zero && at - start > 1 ? -1 : at;
  }
  while (isOfNumber(text.charCodeAt(at))) at += 1;
  const number = text.slice(start, at);
  return String(Number(number)) === number ? at : -1;
}

function isOfNumber(unit: number): boolean {
  return (unit >= zero && unit <= nine) || numberUnits.has(unit);
}
