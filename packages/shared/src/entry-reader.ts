/** Reads entries one after the other: most are built as one before them was, and only what differs is looked at anew. */
import type { LedgerEntry } from './entry.ts';
import { parseOwnEntry } from './entry-codec.ts';
import { EntryLayout } from './entry-layout.ts';
import { textOfUtf8 } from './text.ts';

const mostLayouts = 32;
/** When there are as many, one of so many entries that none of them fitted takes the place of the oldest. */
const missesPerLayout = 16;
/** A layout keeps the texts from which its values are, one for each member at most. */
const longestText = 4_096;
/** After so many of them in a row, one of `missesPerTry` is tried with the layouts at all. */
const mostMissesInRow = 64;
const missesPerTry = 16;

interface Known {
  readonly layout: EntryLayout;
  /** That of the entry that followed it: most likely it comes next again. */
  next: Known | undefined;
}

/**
 * Gives what `parseEntry` gives, and throws what it throws. An entry that has the members of one before is compared with it: what is the
 * same was checked then, and every other value is checked by the same rules. Texts of an entry may be parts of its
 * whole text: who keeps one for long keeps it by `ownText`. For bytes that nobody else can reach.
 */
export class EntryReader {
  readonly #known: Known[] = [];
  #last: Known | undefined;
  #learned = 0;
  #misses = 0;
  #missesInRow = 0;

  read(bytes: Uint8Array): LedgerEntry {
    const isInVain = this.#missesInRow > mostMissesInRow && this.#missesInRow % missesPerTry !== 0;
    const text = isInVain || bytes.length > longestText ? undefined : textOfUtf8(bytes);
    const known = text === undefined ? undefined : this.#find(text);
    if (known !== undefined) {
      this.#missesInRow = 0;
      return known;
    }
    this.#missesInRow += 1;
    const entry = parseOwnEntry(bytes);
    if (text !== undefined) this.#missed(entry, text);
    return entry;
  }

  #find(text: string): LedgerEntry | undefined {
    const likely = this.#last?.next;
    const entry = likely && this.#take(likely, text);
    if (entry !== undefined) return entry;
    for (const known of this.#known) {
      const entry = known === likely ? undefined : this.#take(known, text);
      if (entry !== undefined) return entry;
    }
    return undefined;
  }

  #take(known: Known, text: string): LedgerEntry | undefined {
    const entry = known.layout.take(text);
    if (entry !== undefined) this.#follow(known);
    return entry;
  }

  #follow(known: Known): void {
    if (this.#last !== undefined) this.#last.next = known;
    this.#last = known;
  }

  #missed(entry: LedgerEntry, text: string): void {
    this.#misses += 1;
    if (this.#learned >= mostLayouts && this.#misses % missesPerLayout !== 0) return;
    const layout = EntryLayout.of(entry, text);
    if (layout === undefined) return;
    const known = { layout, next: undefined };
    this.#known[this.#learned++ % mostLayouts] = known;
    this.#follow(known);
  }
}
