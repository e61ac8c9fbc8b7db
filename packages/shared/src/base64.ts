const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';
const values = new Map([...alphabet].map((character, value) => [character.charCodeAt(0), value]));
const shape = /^[A-Za-z0-9+/]*={0,2}$/;

/** Standard base64 with padding (RFC 4648 section 4). */
export function toBase64(bytes: Uint8Array): string {
  let text = '';
  for (let i = 0; i < bytes.length; i += 3) {
    const [a = 0, b = 0, c = 0] = bytes.subarray(i, i + 3);
    const group = (a << 16) | (b << 8) | c;
    const digits = [group >> 18, (group >> 12) & 63, (group >> 6) & 63, group & 63];
    const used = Math.min(bytes.length - i, 3) + 1;
    text += digits.map((digit, place) => (place < used ? alphabet.charAt(digit) : '=')).join('');
  }
  return text;
}

/**
 * The bytes of standard base64; undefined for anything but its one canonical form: padding is required, its
 * unused bits are zero, white space and the URL alphabet are refused.
 */
export function fromBase64(text: unknown): Uint8Array | undefined {
  if (typeof text !== 'string' || text.length % 4 !== 0 || !shape.test(text)) return undefined;
  const padding = text.endsWith('==') ? 2 : text.endsWith('=') ? 1 : 0;
  const bytes = new Uint8Array((text.length / 4) * 3 - padding);
  let group = 0;
  for (let i = 0; i < text.length; i++) {
    group = (group << 6) | (values.get(text.charCodeAt(i)) ?? 0);
    if (i % 4 !== 3) continue;
    const at = (i - 3) * 0.75;
    bytes.set([group >> 16, (group >> 8) & 255, group & 255].slice(0, bytes.length - at), at);
    group = 0;
  }
  return hasZeroPaddingBits(text, padding) ? bytes : undefined;
}

function hasZeroPaddingBits(text: string, padding: number): boolean {
  if (padding === 0) return true;
  const last = values.get(text.charCodeAt(text.length - padding - 1)) ?? 0;
  return last % (padding === 2 ? 16 : 4) === 0;
}
