import type { EngineLog } from '../engines/log.ts';
import { readable } from './failures-in.ts';

/**
 * The position from which on entries are of that time or later, in as many reads as the log's size has binary digits. Hosts append by clocks of
 * their own, so what is asked for should be somewhat earlier than what is needed.
 *
 * @param sinceMs Unix milliseconds
 */
export async function firstSince(log: Pick<EngineLog, 'read' | 'size'>, sinceMs: number): Promise<number> {
  let [low, high] = [0, await log.size()];
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    const [bytes] = await log.read(middle, 1);
    const entry = bytes && readable(bytes);
    if (entry === undefined || Date.parse(entry.at) < sinceMs) low = middle + 1;
    else high = middle;
  }
  return low;
}
