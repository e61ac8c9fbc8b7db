import type { EngineStore } from '../engines/store.ts';

// Deferrals that were promised to be settled, or reported, by some time: the store's empty value at promise/<time>/<id>, the time in
// 15 digits of Unix milliseconds, so that what is due first stands first. Written before the entry that promises; deleted when it
// is due, by whoever has looked what became of it. A crash between leaves a key of a deferral that was never accepted.

const prefix = 'promise/';
const digits = 15;
const nothing = new Uint8Array();

/** A promise whose time has come. */
export interface DuePromise {
  readonly id: string;
  /** Unix milliseconds. */
  readonly deadlineAt: number;
}

/** The promises of a ledger that were not due when they were last looked at. */
export interface Promises {
  note(promise: DuePromise): Promise<void>;
  /** Those that were due before that time, the longest due first, at most 100. */
  dueBefore(nowMs: number): Promise<readonly DuePromise[]>;
  /** False where somebody else has. */
  forget(promise: DuePromise): Promise<boolean>;
}

/** The promises in a store. */
export function openPromises(store: EngineStore): Promises {
  return {
    async note(promise) {
      await store.put(keyOf(promise), nothing);
    },
    async dueBefore(nowMs) {
      const first = await store.list(prefix, { limit: 100 });
      return first.map(({ key }) => promiseAt(key)).filter(({ deadlineAt }) => deadlineAt < nowMs);
    },
    forget: (promise) => store.delete(keyOf(promise)),
  };
}

function keyOf({ id, deadlineAt }: DuePromise): string {
  return `${prefix}${String(deadlineAt).padStart(digits, '0')}/${id}`;
}

function promiseAt(key: string): DuePromise {
  const [time = '', id = ''] = key.slice(prefix.length).split('/');
  return { id, deadlineAt: Number(time) };
}
