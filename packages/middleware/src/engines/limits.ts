/** Bounds that the contracts set for every engine. A call outside them is a mistake of its caller: `RangeError`. */
export const engineLimits = {
  entriesPerAppend: 1_000,
  entryBytes: 65_535,
  /** What one message of a server with its usual limits holds, with room for what goes with it. */
  appendBytes: 512 * 1024,
  entriesPerRead: 10_000,
  keyCharacters: 512,
  valueBytes: 4 * 1024 * 1024,
  itemsPerList: 1_000,
  itemsPerClaim: 100,
  /** Characters of a queue item's id, partition, order key, and of a holder's name. */
  nameCharacters: 1_024,
} as const;

const dayMs = 24 * 3_600_000;
/** Ids that were settled are known for so long: enqueuing them again changes nothing. */
export const settledKeptMs = dayMs;
/** Dead-lettered items are kept for so long. */
export const deadKeptMs = 30 * dayMs;

const keyPattern = /^[A-Za-z0-9/_=-]*$/;
const emptySegment = /^\/|\/\/|\/$/;

/** Refuses batches that are empty or too long, and entries that are too long. */
export function checkEntries(entries: readonly Uint8Array[]): void {
  checkInteger('entries.length', entries.length, 1, engineLimits.entriesPerAppend);
  let bytes = 0;
  for (const entry of entries) {
    checkBytes('entry', entry, engineLimits.entryBytes);
    bytes += entry.byteLength;
  }
  checkInteger('bytes of all entries', bytes, 0, engineLimits.appendBytes);
}

/** Refuses keys of the store that are empty, too long, or are not written as the contract says. */
export function checkKey(key: string): void {
  if (key.length === 0) throw new RangeError('the key is empty');
  checkPrefix('key', key);
  if (emptySegment.test(key)) throw new RangeError(`key ${JSON.stringify(key)} has an empty segment`);
}

/** As {@link checkKey}, but may be empty and end anywhere. */
export function checkPrefix(name: string, prefix: string): void {
  if (prefix.length > engineLimits.keyCharacters) {
    throw new RangeError(`${name} has ${prefix.length} characters; at most ${engineLimits.keyCharacters}`);
  }
  if (!keyPattern.test(prefix)) {
    throw new RangeError(`${name} ${JSON.stringify(prefix)} has other characters than A-Z a-z 0-9 / _ = -`);
  }
}

/** Refuses what is no byte string, or one that is too long. */
export function checkBytes(name: string, bytes: Uint8Array, most: number): void {
  if (!(bytes instanceof Uint8Array)) throw new RangeError(`${name} is not a Uint8Array`);
  if (bytes.byteLength > most) throw new RangeError(`${name} has ${bytes.byteLength} bytes; at most ${most}`);
}

/** Refuses what is no integer between `least` and `most`, both included. */
export function checkInteger(
  name: string,
  value: number,
  least: number,
  most: number = Number.MAX_SAFE_INTEGER,
): void {
  if (!Number.isSafeInteger(value) || value < least || value > most) {
    throw new RangeError(`${name} is ${String(value)}; give an integer from ${least} to ${most}`);
  }
}

/** Refuses names that are empty or too long. */
export function checkName(name: string, value: string): void {
  if (typeof value !== 'string' || value.length === 0 || value.length > engineLimits.nameCharacters) {
    throw new RangeError(`${name} must be a string of 1 to ${engineLimits.nameCharacters} characters`);
  }
}

/** Whole milliseconds, upwards: durations and times may be computed with fractions. */
export function wholeMs(name: string, value: number, least = 0): number {
  const whole = Math.ceil(value);
  checkInteger(name, whole, least);
  return whole;
}
