import type { LedgerEntry, WorkTypeChange, WorkTypeValues } from '@slackwater/shared';
import type { EngineStore } from '../engines/store.ts';
import type { PlacedEntry } from './history.ts';

// What was changed of work types while running: the store's value at work-types/changed, JSON. A cache of the log's
// `work-type-changed` entries, which hosts read every second; by compare-and-set, so that none goes missing.

const key = 'work-types/changed';
const mostTries = 32;

/** What was changed of one work type, and by whom last. */
export interface ChangedWorkType {
  /** The members that no longer are as configured. None after a reset. */
  readonly values: WorkTypeValues;
  /** Of the newest entry about it. */
  readonly position: number;
  /** RFC 3339. */
  readonly at: string;
  /** `token:<subject>` or `code:<name>`. */
  readonly by: string;
}

/** By work type; those that were never changed are not there. */
export type ChangedWorkTypes = ReadonlyMap<string, ChangedWorkType>;

/** The changes as the store has them. */
export interface ChangedStore {
  /** Undefined where the store has nothing, or nothing that is readable. */
  read(): Promise<ChangedWorkTypes | undefined>;
  /** Applies entries that are in the log, in their order. Those that were applied before change nothing. */
  apply(entries: readonly PlacedEntry[]): Promise<ChangedWorkTypes>;
}

/** The changes of a store. */
export function openChangedStore(store: EngineStore): ChangedStore {
  return {
    async read() {
      const stored = await store.get(key);
      return stored && decode(stored.value);
    },
    async apply(entries) {
      for (let i = 0; i < mostTries; i++) {
        const stored = await store.get(key);
        const readable = stored && decode(stored.value);
        const before: ChangedWorkTypes = readable ?? new Map();
        const next = entries.reduce(afterEntry, before);
        if (readable !== undefined && next === before) return before;
        const written =
          stored === undefined
            ? await store.create(key, encode(next))
            : await store.update(key, encode(next), stored.revision);
        if (written !== undefined) return next;
      }
      throw new Error('The changes of work types are written by too many at once.');
    },
  };
}

/** The changes after one more entry; the same where it is another entry, or an older one than what is known. */
export function afterEntry(before: ChangedWorkTypes, { entry, position }: PlacedEntry): ChangedWorkTypes {
  const { changes = {}, by = '', at } = entry;
  return isWorkTypeEntry(entry) ? afterChanges(before, changes, { position, at, by }) : before;
}

/** The same after changes that were made then and by them. */
export function afterChanges(
  before: ChangedWorkTypes,
  changes: Readonly<Record<string, WorkTypeChange>>,
  made: Pick<ChangedWorkType, 'position' | 'at' | 'by'>,
): ChangedWorkTypes {
  const newer = Object.entries(changes).filter(
    ([name]) => (before.get(name)?.position ?? -1) < made.position,
  );
  if (newer.length === 0) return before;
  const next = new Map(before);
  for (const [name, { after, reset }] of newer) {
    const values = reset === true ? {} : { ...before.get(name)?.values, ...after };
    next.set(name, { values, ...made });
  }
  return next;
}

/** Whether an entry is about work types and not about a deferral. */
export function isWorkTypeEntry({ type }: LedgerEntry): boolean {
  return type === 'work-type-changed';
}

function encode(changed: ChangedWorkTypes): Uint8Array {
  return Buffer.from(JSON.stringify({ v: 1, changed: [...changed] }), 'utf8');
}

function decode(value: Uint8Array): ChangedWorkTypes | undefined {
  try {
    const { v, changed } = JSON.parse(Buffer.from(value).toString('utf8')) as {
      readonly v: unknown;
      readonly changed: readonly (readonly [string, ChangedWorkType])[];
    };
    return v === 1 && changed.every(isReadable) ? new Map(changed) : undefined;
  } catch {
    return undefined;
  }
}

function isReadable([name, { values, position }]: readonly [string, ChangedWorkType]): boolean {
  return (
    typeof name === 'string' &&
    typeof values === 'object' &&
    values !== null &&
    Number.isSafeInteger(position)
  );
}
