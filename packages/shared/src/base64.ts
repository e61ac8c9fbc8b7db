const shape = /^[A-Za-z0-9+/]*={0,2}$/;
/** Last digits before two equals signs and before one: those whose unused bits are zero. */
const endOfOne = 'AQgw';
const endOfTwo = 'AEIMQUYcgkosw048';
const mostArguments = 8_192;

/** Standard base64 with padding (RFC 4648 section 4). */
export function toBase64(bytes: Uint8Array): string {
  let units = '';
  for (let at = 0; at < bytes.length; at += mostArguments) {
    // Spread out they would be put into an array first, one by one: ten times as slow.
    units += Reflect.apply(String.fromCharCode, undefined, bytes.subarray(at, at + mostArguments));
  }
  return btoa(units);
}

/**
 * The bytes of standard base64; undefined for anything but its one canonical form: padding is required, its
 * unused bits are zero, white space and the URL alphabet are refused.
 */
export function fromBase64(text: unknown): Uint8Array | undefined {
  if (typeof text !== 'string' || text.length % 4 !== 0 || !shape.test(text)) return undefined;
  if (text.endsWith('==') && !endOfOne.includes(text.charAt(text.length - 3))) return undefined;
  if (text.endsWith('=') && !text.endsWith('==') && !endOfTwo.includes(text.charAt(text.length - 2))) {
    return undefined;
  }
  const units = atob(text);
  const bytes = new Uint8Array(units.length);
  for (let i = 0; i < units.length; i++) bytes[i] = units.charCodeAt(i);
  return bytes;
}
