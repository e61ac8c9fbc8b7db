/** Reads entries one after the other: most are built as one before them was, and only what differs is looked at anew. */
import type { LedgerEntry } from './entry.ts';
import { checkOfMember, parseOwnEntry } from './entry-codec.ts';
import type { Check } from './json-shape.ts';
import { endOfName, endOfValue } from './plainly-canonical.ts';
import { textOfUtf8 } from './text.ts';

const mostLayouts = 32;
/** A layout keeps the texts from which its values are, one for each member at most. */
const longestText = 4_096;

const quote = 0x22;
const openObject = 0x7b;

/** A member in the last entry of its layout: from its comma or brace up to, not including, the next one. */
interface Member {
  readonly name: string;
  readonly check: Check | undefined;
  start: number;
  value: number;
  end: number;
}

/** Entries that have the same members. */
interface Layout {
  readonly members: readonly Member[];
  /** The last one, of which every byte is ASCII. It passed every check. */
  readonly text: Sheet;
  /** Its values, by name. */
  readonly values: Record<string, unknown>;
  /** The layout of the entry that followed it: most likely that comes next again. */
  next: Layout | undefined;
}

/** A value that differs from the last one's. */
interface Other {
  readonly member: Member;
  readonly value: unknown;
  readonly end: number;
}

/** Bytes that are written over and over, and compared four at a time. */
class Sheet {
  readonly bytes = new Uint8Array(longestText);
  readonly view = new DataView(this.bytes.buffer);
  length = 0;

  write(bytes: Uint8Array): void {
    this.bytes.set(bytes);
    this.length = bytes.length;
  }
}

/**
 * Gives what `parseEntry` gives, and throws what it throws. An entry that has the members of one before is compared with it: what is the
 * same was checked then, and every other value is checked by the same rules. Texts of an entry may be parts of its
 * whole text: who keeps one for long keeps it by `ownText`. For bytes that nobody else can reach.
 */
export class EntryReader {
  readonly #layouts: Layout[] = [];
  readonly #sheet = new Sheet();
  #last: Layout | undefined;
  #learned = 0;

  read(bytes: Uint8Array): LedgerEntry {
    const text = bytes.length <= longestText ? textOfUtf8(bytes) : undefined;
    // In a text of ASCII a byte stands where its character does.
    if (text === undefined || text.length !== bytes.length) return parseOwnEntry(bytes);
    this.#sheet.write(bytes);
    const likely = this.#last?.next;
    if (likely !== undefined && take(likely, this.#sheet, text)) return this.#entryOf(likely);
    for (const layout of this.#layouts) {
      if (layout !== likely && take(layout, this.#sheet, text)) return this.#entryOf(layout);
    }
    const entry = parseOwnEntry(bytes);
    this.#learn(bytes, text, entry);
    return entry;
  }

  #entryOf(layout: Layout): LedgerEntry {
    this.#follow(layout);
    return { ...layout.values } as unknown as LedgerEntry;
  }

  #follow(layout: Layout): void {
    if (this.#last !== undefined) this.#last.next = layout;
    this.#last = layout;
  }

  #learn(bytes: Uint8Array, text: string, entry: LedgerEntry): void {
    const members = membersOf(text);
    if (members === undefined) return;
    const layout = { members, text: new Sheet(), values: { ...entry }, next: undefined };
    layout.text.write(bytes);
    this.#layouts[this.#learned++ % mostLayouts] = layout;
    this.#follow(layout);
  }
}

/** Takes an entry of that layout over as the last one; false, and nothing is changed, where it is not one for certain. */
function take(layout: Layout, sheet: Sheet, text: string): boolean {
  const { members, text: last } = layout;
  const others: Other[] = [];
  let [i, at, shift] = [0, 0, 0];
  for (;;) {
    at = differsAt(last, at, sheet, shift);
    if (at === last.length) break;
    while (at >= (members[i]?.end ?? at + 1)) i += 1;
    // Where the comma or brace behind a value differs, the value goes on.
    const member = members[i]?.start === at || members[i] === undefined ? members[i - 1] : members[i];
    const other = member && otherValue(member, at, shift, sheet, text);
    if (other === undefined || other.member === others.at(-1)?.member) return false;
    others.push(other);
    shift = other.end - other.member.end;
    at = other.member.end;
  }
  if (last.length + shift !== sheet.length) return false;
  for (const { member, value } of others) layout.values[member.name] = value;
  move(members, others);
  last.write(sheet.bytes.subarray(0, sheet.length));
  return true;
}

/** Where the last one, from `at` on, is not what stands `shift` bytes further on; its length where all of it is. */
function differsAt(last: Sheet, at: number, sheet: Sheet, shift: number): number {
  const end = Math.min(last.length, sheet.length - shift);
  let same = at;
  while (same + 4 <= end && last.view.getInt32(same) === sheet.view.getInt32(same + shift)) same += 4;
  while (same < end && last.bytes[same] === sheet.bytes[same + shift]) same += 1;
  return same;
}

function otherValue(
  member: Member,
  at: number,
  shift: number,
  { bytes }: Sheet,
  text: string,
): Other | undefined {
  if (at < member.value) return undefined;
  const start = member.value + shift;
  const end = endOfValue(text, start, 1);
  if (end === -1) return undefined;
  const value: unknown =
    bytes[start] === quote ? text.slice(start + 1, end - 1) : JSON.parse(text.slice(start, end));
  return member.check === undefined || member.check(value) ? { member, value, end } : undefined;
}

function move(members: readonly Member[], others: readonly Other[]): void {
  if (others.every(({ member, end }) => member.end === end)) return;
  let [shift, next] = [0, 0];
  for (const member of members) {
    member.start += shift;
    member.value += shift;
    const other = others[next];
    if (other?.member === member) {
      shift = other.end - member.end;
      next += 1;
    }
    member.end += shift;
  }
}

/** The members of an entry's text; undefined where they can't be told apart without doubt. */
function membersOf(text: string): Member[] | undefined {
  const members: Member[] = [];
  if (text.charCodeAt(0) !== openObject) return undefined;
  for (let at = 0; at !== text.length - 1; ) {
    const nameEnd = text.charCodeAt(at + 1) === quote ? endOfName(text, at + 1) : -1;
    const end = nameEnd === -1 ? -1 : endOfValue(text, nameEnd + 1, 1);
    const name = text.slice(at + 2, nameEnd - 1);
    if (end === -1) return undefined;
    members.push({ name, check: checkOfMember(name), start: at, value: nameEnd + 1, end });
    at = end;
  }
  return members;
}
