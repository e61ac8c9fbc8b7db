const tagOfTypedArray = Object.getOwnPropertyDescriptor(
  Object.getPrototypeOf(Uint8Array.prototype),
  Symbol.toStringTag,
)?.get;

/**
 * True for a real `Uint8Array` (a Node.js `Buffer` is one), of this or another realm. Objects and proxies that
 * merely look like one are refused, because reading them could run foreign code.
 */
export function isBytes(value: unknown): value is Uint8Array {
  return tagOfTypedArray?.call(value) === 'Uint8Array';
}

/**
 * A copy of `value` if it is bytes, and exactly `length` of them where that is given; else undefined. A copy, so that
 * nobody changes it meanwhile, and because the original may lie about its length.
 */
export function copyOfBytes(value: unknown, length?: number): Uint8Array | undefined {
  if (!isBytes(value)) return undefined;
  if (length !== undefined && value.byteLength !== length) return undefined;
  try {
    const copy = new Uint8Array(value);
    return length === undefined || copy.length === length ? copy : undefined;
  } catch {
    // its buffer was transferred to somebody else
    return undefined;
  }
}

/** Compares lengths and contents. Not in constant time: meant for hashes, which are no secrets. */
export function bytesEqual(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

/** The arrays one after the other. */
export function concatBytes(...parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let offset = 0;
  for (const part of parts) {
    whole.set(part, offset);
    offset += part.length;
  }
  return whole;
}
