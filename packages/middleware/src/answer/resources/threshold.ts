/** The body of a changed work type, or what is wrong with it, for people. */
export type ParsedThreshold =
  | { readonly kind: 'threshold'; readonly thresholdMs: number }
  | { readonly kind: 'fault'; readonly detail: string };

const shownCharacters = 100;

/** Reads `{"thresholdMs": n}`: milliseconds, 0 or more, fractions count. */
export function parseThreshold(body: unknown): ParsedThreshold {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) {
    return fault('The body must be a JSON object such as {"thresholdMs": 200}.');
  }
  const unknown = Object.keys(body).find((name) => name !== 'thresholdMs');
  if (unknown !== undefined) {
    return fault(`${shown(unknown)} can't be changed here; the body takes thresholdMs alone.`);
  }
  const thresholdMs: unknown = Reflect.get(body, 'thresholdMs');
  if (thresholdMs === undefined) return fault('thresholdMs is missing; give a number of milliseconds.');
  if (typeof thresholdMs !== 'number') {
    const kind = typeof thresholdMs === 'string' ? 'a string' : 'no number';
    return fault(`thresholdMs: ${shown(thresholdMs)} is ${kind}; give a number of milliseconds.`);
  }
  if (!Number.isFinite(thresholdMs) || thresholdMs < 0) {
    return fault(`thresholdMs: ${thresholdMs} is not a length of time; give 0 or more milliseconds.`);
  }
  return { kind: 'threshold', thresholdMs };
}

function fault(detail: string): ParsedThreshold {
  return { kind: 'fault', detail };
}

function shown(value: unknown): string {
  return JSON.stringify(value).slice(0, shownCharacters);
}
