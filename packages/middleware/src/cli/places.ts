import { UsageError } from './failures.ts';
import { natsPlace } from './nats-place.ts';
import type { Place } from './place.ts';
import { postgresPlace } from './postgres-place.ts';
import { sqlitePlace } from './sqlite-place.ts';

/** How the rest of a URL is read, by its scheme. */
const schemes: Readonly<Record<string, (rest: string) => Place>> = {
  sqlite: sqlitePlace,
  nats: natsPlace,
  postgres: postgresPlace,
};

/** The place that a URL names; `option` is where it was written, `others` what may stand there besides. Throws a {@link UsageError}. */
export function placeOf(option: string, url: string, others: readonly string[] = []): Place {
  const end = url.indexOf(':');
  const scheme = url.slice(0, Math.max(end, 0));
  const read = Object.hasOwn(schemes, scheme) ? schemes[scheme] : undefined;
  const rest = url.slice(end + 1);
  if (read === undefined || rest === '') {
    // What follows the scheme may hold a password.
    const given = end === -1 ? url : `${scheme}:...`;
    const known = [...Object.keys(schemes).map((name) => `${name}:...`), ...others];
    throw new UsageError(`--${option} ${JSON.stringify(given)}: give one of ${known.join(', ')}`);
  }
  return read(rest);
}
