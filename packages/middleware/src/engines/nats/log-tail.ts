import type { Anchor } from './log-frame.ts';

/** Messages of the tail that are kept, by number and by bytes. */
const mostMessages = 8_192;
const mostBytes = 16 * 1024 * 1024;
const mostReadEnds = 32;
/** Further back one place in so many messages is remembered. */
const thinning = 256;

interface TailMessage extends Anchor {
  readonly entries: readonly Uint8Array[];
  readonly bytes: number;
}

/**
 * What one host knows of the log: its end with the entries, for whoever seals, and places further back. Grows by 16 bytes
 * for each 256 messages.
 */
export class LogTail {
  /** Where the next message begins: the log's size as far as it was followed, and the number that it will have. */
  next: Anchor;
  readonly #places: Anchor[];
  readonly #readEnds: Anchor[] = [];
  #messages: TailMessage[] = [];
  #bytes = 0;
  #arrived = 0;

  constructor(start: Anchor) {
    this.next = start;
    this.#places = [start];
  }

  /** The next message of the stream; without entries where it is not ours. */
  add(seq: number, entries: readonly Uint8Array[]): void {
    const { position } = this.next;
    // Numbers may be skipped: what was removed held no entries that count, or the log is found to be altered elsewhere.
    const message = {
      seq,
      position,
      entries,
      bytes: entries.reduce((sum, entry) => sum + entry.byteLength, 64),
    };
    this.#messages.push(message);
    this.#bytes += message.bytes;
    this.#arrived += 1;
    if (this.#arrived % thinning === 0) this.#places.push({ seq, position });
    this.next = { seq: seq + 1, position: position + entries.length };
    if (this.#messages.length > 2 * mostMessages || this.#bytes > 2 * mostBytes) this.#forget();
  }

  /** The entries from `position` on, where the tail has them; undefined where they are further back. */
  read(position: number, limit: number): Uint8Array[] | undefined {
    const [first] = this.#messages;
    if (first === undefined || position < first.position)
      return position >= this.next.position ? [] : undefined;
    const found: Uint8Array[] = [];
    for (let i = this.#indexOf(position); i < this.#messages.length && found.length < limit; i++) {
      const message = this.#messages[i];
      if (message === undefined) break;
      const skip = Math.max(0, position - message.position);
      found.push(...message.entries.slice(skip, skip + limit - found.length));
    }
    return found;
  }

  /** Where the message with that number begins, if the tail has it. */
  positionOf(seq: number): number | undefined {
    let [low, high] = [0, this.#messages.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#messages[middle]?.seq ?? 0) < seq) low = middle + 1;
      else high = middle;
    }
    const message = this.#messages[low];
    return message?.seq === seq ? message.position : undefined;
  }

  /** Somebody read up to here, and will probably read on. */
  readUpTo(place: Anchor): void {
    this.#readEnds.push(place);
    if (this.#readEnds.length > mostReadEnds) this.#readEnds.shift();
  }

  /** The place where a read ended that the one from `position` goes on. */
  resume(position: number): Anchor | undefined {
    return this.#readEnds.find((place) => place.position === position);
  }

  /** The last known place at or before `position`, and the first one behind it. */
  around(position: number): { readonly before: Anchor | undefined; readonly behind: Anchor } {
    const index = lastAtOrBefore(this.#places, position);
    return { before: this.#places[index], behind: this.#places[index + 1] ?? this.next };
  }

  /** A place that was found out. */
  learn(place: Anchor): void {
    const index = lastAtOrBefore(this.#places, place.position);
    if (this.#places[index]?.position !== place.position) this.#places.splice(index + 1, 0, place);
  }

  #indexOf(position: number): number {
    return Math.max(0, lastAtOrBefore(this.#messages, position));
  }

  #forget(): void {
    let drop = Math.max(0, this.#messages.length - mostMessages);
    let bytes = this.#bytes;
    for (const [index, message] of this.#messages.entries()) {
      if (index >= drop && bytes <= mostBytes) break;
      bytes -= message.bytes;
      drop = Math.max(drop, index + 1);
    }
    this.#messages = this.#messages.slice(drop);
    this.#bytes = bytes;
  }
}

/** Index of the last one that begins at or before `position`; -1 where none does. Of several at one position the last counts. */
function lastAtOrBefore(anchors: readonly Anchor[], position: number): number {
  let [low, high] = [0, anchors.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((anchors[middle]?.position ?? 0) <= position) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}
