import { canonicalJson } from './canonical-json.ts';
import { isPlainlyCanonical } from './plainly-canonical.ts';

/** The value of a text that is canonical JSON, or why it is not. Never throws. */
export function parseCanonicalJson(
  text: string,
): { value: unknown; fault?: never } | { value?: never; fault: string } {
  try {
    const value: unknown = JSON.parse(text);
    if (!isPlainlyCanonical(text) && canonicalJson(value) !== text) {
      return { fault: 'its JSON is not in canonical form' };
    }
    return { value };
  } catch {
    return { fault: 'it is not canonical JSON' };
  }
}
