const longest = 80;

/** A value as messages quote it. Never throws, never long. */
export function shown(value: unknown): string {
  try {
    const text = typeof value === 'function' ? 'a function' : (JSON.stringify(value) ?? String(value));
    return text.length <= longest ? text : `${text.slice(0, longest)}...`;
  } catch {
    return 'something that can not be shown';
  }
}
