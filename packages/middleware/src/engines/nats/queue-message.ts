import type { QueueItem } from '../queue.ts';
import type { Kept } from './api.ts';

// An item is the last message of its subject, JSON:
//   { "id", "partition", "priority", "position", "orderKey"?, "notBefore"?,      as the queue was given them
//     "state": "live" | "settled" | "dead" | "removed",
//     "until": Unix milliseconds by the servers' clock: live, not to be claimed before; else, when the message may go; 0 at once
//     "token": of the newest claim, 0 before the first; "holder"?: who claimed it }
// Every change is a compare-and-set on the message's number, so of two hosts one wins; a claim's token is the number of
// the message that it replaces, which is greater than that of any claim before.

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

/** The item in a message; undefined where the message is none of ours. */
export function unpackItem({ data }: Pick<Kept, 'data'>): QueuedItem | undefined {
  try {
    const item = JSON.parse(Buffer.from(data).toString('utf8')) as Partial<QueuedItem> | null;
    const fine =
      typeof item?.id === 'string' &&
      typeof item.partition === 'string' &&
      typeof item.state === 'string' &&
      [item.priority, item.position, item.until, item.token].every(Number.isSafeInteger);
    return fine ? (item as QueuedItem) : undefined;
  } catch {
    return undefined;
  }
}
