/** An entry as bytes: canonical JSON in UTF-8. `docs/ledger-format.md`, "Entry". */
import { becauseShape } from './because.ts';
import { copyOfBytes } from './bytes.ts';
import { canonicalJson } from './canonical-json.ts';
import { parseCanonicalJson } from './canonical-text.ts';
import { entryTypes, type LedgerEntry } from './entry.ts';
import {
  faultOf,
  filledText,
  flag,
  hashInBase64,
  integerFrom,
  isObject,
  type MemberShape,
  oneOf,
  optional,
  type Shape,
  text,
  texts,
  utcTime,
} from './json-shape.ts';
import { operationStep } from './operation-entry.ts';
import { taskFailing } from './task-failing.ts';
import { textOfUtf8, utf8 } from './text.ts';
import { EntryMalformedError } from './verification-errors.ts';

/** The longest entry, in bytes: what a C2SP entry bundle can hold. */
export const maxEntryBytes = 65_535;

const workTypeChanges: MemberShape = {
  check: (value) => isObject(value) && Object.values(value).every(isWorkTypeChange),
  expected: 'what changed, by work type',
};

/** Each member by itself: who reads entry after entry (`EntryReader`) checks no more than the members that differ from the last one's. */
const shape: Shape = {
  v: oneOf([1]),
  type: oneOf(entryTypes),
  id: filledText,
  at: utcTime,
  group: text,
  application: text,
  method: text,
  route: text,
  workType: text,
  partition: text,
  requester: text,
  reasons: texts,
  payload: optional(hashInBase64),
  deadlineAt: optional(utcTime),
  because: optional(becauseShape),
  parent: optional(filledText),
  acknowledged: optional(oneOf(['succeeded'])),
  attempt: optional(integerFrom(1)),
  postponements: optional(integerFrom(1)),
  status: optional(integerFrom(100)),
  outcome: optional(hashInBase64),
  outcomeKnown: optional(flag),
  retryAt: optional(utcTime),
  error: optional(filledText),
  repeat: optional(flag),
  by: optional(filledText),
  readFrom: optional(texts),
  parameters: optional(texts),
  purpose: optional(filledText),
  rotation: optional(filledText),
  keyVersion: optional(integerFrom(1)),
  changes: optional(workTypeChanges),
  step: optional(operationStep),
  failing: optional(taskFailing),
} satisfies Record<keyof LedgerEntry, MemberShape>;

/** The entry's bytes. Throws `entry-malformed` for what {@link parseEntry} would not take back. */
export function encodeEntry(entry: LedgerEntry): Uint8Array {
  const fault = faultOf(entry, shape);
  if (fault !== undefined) throw new EntryMalformedError(fault);
  const bytes = utf8(canonicalJson(entry));
  if (bytes.length > maxEntryBytes) throw new EntryMalformedError(`longer than ${maxEntryBytes} bytes`);
  return bytes;
}

/**
 * The entry in these bytes. Throws `entry-malformed` unless they are the canonical JSON of an entry, in UTF-8, at most
 * 65,535 bytes. Members that this version does not know are kept.
 */
export function parseEntry(entry: Uint8Array): LedgerEntry {
  const bytes = copyOfBytes(entry);
  if (bytes === undefined) throw new EntryMalformedError('it is not a Uint8Array');
  return parseOwnEntry(bytes);
}

/** The same for bytes that nobody else can reach, without the copy. */
export function parseOwnEntry(bytes: Uint8Array): LedgerEntry {
  if (bytes.length > maxEntryBytes) throw new EntryMalformedError(`longer than ${maxEntryBytes} bytes`);
  const json = textOfUtf8(bytes);
  if (json === undefined) throw new EntryMalformedError('it is not UTF-8');
  const { value, fault = faultOf(value, shape) } = parseCanonicalJson(json);
  if (fault !== undefined) throw new EntryMalformedError(fault);
  return value as LedgerEntry;
}

/** What the value of an entry's member must be; undefined for members that this version does not know. */
export function shapeOfMember(name: string): MemberShape | undefined {
  return Object.hasOwn(shape, name) ? shape[name] : undefined;
}

function isWorkTypeChange(value: unknown): boolean {
  if (!isObject(value)) return false;
  const { before, after, reset } = value;
  return isObject(before) && isObject(after) && (reset === undefined || typeof reset === 'boolean');
}
