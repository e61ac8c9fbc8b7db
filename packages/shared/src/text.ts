const loneSurrogate = /\p{Surrogate}/u;
const surrogate = /[\ud800-\udfff]/;
const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** True where the text has an exact UTF-8 form: no surrogate without its partner. */
export function isWellFormed(text: string): boolean {
  return !surrogate.test(text) || !loneSurrogate.test(text);
}

/** UTF-8. The text must be well formed, else lone surrogates become U+FFFD. */
export function utf8(text: string): Uint8Array {
  return encoder.encode(text);
}

/** The text of UTF-8 bytes, a byte order mark kept as U+FEFF; undefined where they are no UTF-8. */
export function textOfUtf8(bytes: Uint8Array): string | undefined {
  try {
    return decoder.decode(bytes);
  } catch {
    return undefined;
  }
}

/** True where a code unit below U+0020 other than a line feed occurs. */
export function hasControlCharacter(text: string): boolean {
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    if (unit < 0x20 && unit !== 0x0a) return true;
  }
  return false;
}

/** The same text in memory of its own. As a part of a longer one it would keep all of that. */
export function ownText(text: string): string {
  // Engines write the joined text out before they take a part of it.
  return ` ${text}`.slice(1);
}
