/** Where the outcome of a deferral is: an absolute URL, or `beside` its status, as servers have it. */
export type OutcomePlace = string | typeof beside;

/** The place that is known by the status URL, so that no text of its own is held for it. */
export const beside: unique symbol = Symbol('beside the status');

/** The place of an outcome URL. */
export function outcomePlace(url: string, statusUrl: string): OutcomePlace {
  return url === besideUrl(statusUrl) ? beside : url;
}

/** The URL of a place. */
export function outcomeUrlAt(place: OutcomePlace | undefined, statusUrl: string): string | undefined {
  return place === beside ? besideUrl(statusUrl) : place;
}

function besideUrl(statusUrl: string): string {
  const query = statusUrl.indexOf('?');
  if (query < 0) return `${statusUrl}/outcome`;
  return `${statusUrl.slice(0, query)}/outcome${statusUrl.slice(query)}`;
}
