import { systemClock, type Timer } from '../clock.ts';
import type { PgClient } from './pg-client.ts';

/** How long a connection whose BEGIN was refused may be held without a word, ms. */
const heldWithoutWordMs = 10_000;

/**
 * Takes a connection back for its pool whose BEGIN was refused, if it is neither given back nor used: Drizzle does neither, and each would be
 * missing for good. To be canceled when it is used.
 */
export function takeBackIfAbandoned(client: PgClient): Timer {
  const { release } = client;
  return systemClock.after(heldWithoutWordMs, () => {
    // Another function: it was given back, and is out again.
    if (release === undefined || client.release !== release) return;
    try {
      release.call(client, true);
      // Who gives it back after all is not told that somebody did before.
      client.release = () => {};
    } catch {
      // It was given back, and is idle.
    }
  });
}
