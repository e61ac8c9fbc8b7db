import type { QueueItem } from '../queue.ts';
import type { Kept } from './kept.ts';

// An arrival is the items that came together, each a line of JSON. What becomes of an item is a message of its own subject, JSON:
//   { "id", "partition", "priority", "position", "orderKey"?, "notBefore"?,      as the queue was given them
//     "state": "live" | "settled" | "dead" | "removed",
//     "until": Unix milliseconds by the servers' clock: live, not to be claimed before; else, when the message may go; 0 at once
//     "token": of the newest claim, 0 before the first; "holder"?: who claimed it }
// Of several arrivals with one id the first counts, until the item has left the queue and is forgotten.
// Every change is a compare-and-set on the message's number, so of two hosts one wins; the first one is on the arrival's. A
// claim's token is the number of the message that it replaces, which is greater than that of any claim before.

/** An item and what is to be known of it. */
export interface QueuedItem extends QueueItem {
  readonly state: 'live' | 'settled' | 'dead' | 'removed';
  readonly until: number;
  readonly token: number;
  readonly holder?: string;
}

/** An item as a message. */
export function packItem(item: QueuedItem): Uint8Array {
  return Buffer.from(JSON.stringify(item), 'utf8');
}

/** An arrival as a message, of items as {@link lineOf} gives them. */
export function packArrival(lines: readonly string[]): Uint8Array {
  return Buffer.from(lines.join('\n'), 'utf8');
}

/** An item as a line of an arrival, without what is the same for most. */
export function lineOf({ state, until, token, ...item }: QueuedItem): string {
  return JSON.stringify(until === 0 ? item : { ...item, until });
}

/** The items of an arrival; undefined where the message is none of ours. */
export function unpackArrival({ data }: Pick<Kept, 'data'>): readonly QueuedItem[] | undefined {
  const items = Buffer.from(data)
    .toString('utf8')
    .split('\n')
    .map((line) => parseItem(line, arrived));
  return items.every((item) => item !== undefined) ? items : undefined;
}

/** The item in a message; undefined where the message is none of ours. */
export function unpackItem({ data }: Pick<Kept, 'data'>): QueuedItem | undefined {
  return parseItem(Buffer.from(data).toString('utf8'));
}

const arrived = { state: 'live', until: 0, token: 0 } as const;

function parseItem(text: string, usual: Partial<QueuedItem> = {}): QueuedItem | undefined {
  try {
    const item: Partial<QueuedItem> = { ...usual, ...(JSON.parse(text) as Partial<QueuedItem>) };
    const fine =
      typeof item.id === 'string' &&
      typeof item.partition === 'string' &&
      typeof item.state === 'string' &&
      [item.priority, item.position, item.until, item.token].every(Number.isSafeInteger);
    return fine ? (item as QueuedItem) : undefined;
  } catch {
    return undefined;
  }
}
