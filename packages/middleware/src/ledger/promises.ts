import type { Clock } from '../clock.ts';
import type { EngineStore } from '../engines/store.ts';
import type { Acceptance } from './deferral.ts';

// Deferrals that were promised to be settled, or reported, by some time: the store's empty value at promise/<time>/<id>, the time in
// 15 digits of Unix milliseconds, so that what is due first stands first. Written before the entry that promises; deleted when it
// is due, by whoever has looked what became of it. A crash between leaves a key of a deferral that was never accepted.

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

/** The promises in a store, below that prefix; `postponed/` has in the same form which deferrals may be postponed no longer. */
export function openPromises(store: EngineStore, prefix: 'promise/' | 'postponed/' = 'promise/'): Promises {
  return {
    async note(promise) {
      await store.put(keyOf(prefix, promise), nothing);
    },
    async dueBefore(nowMs) {
      const first = await store.list(prefix, { limit: 100 });
      return first.map(({ key }) => promiseAt(prefix, key)).filter(({ deadlineAt }) => deadlineAt < nowMs);
    },
    forget: (promise) => store.delete(keyOf(prefix, promise)),
  };
}

/** Notes by when an acceptance is to be looked at, and for how long it may be postponed; before the entry that says so. */
export async function noteTimes(
  {
    clock,
    promises,
    postponed,
  }: Record<'promises' | 'postponed', Promises> & { readonly clock: Pick<Clock, 'wallNow'> },
  { maxPostponeMs }: Pick<Acceptance, 'maxPostponeMs'>,
  { id, deadlineAt }: { readonly id: string; readonly deadlineAt: number | undefined },
): Promise<void> {
  if (maxPostponeMs !== undefined) {
    await postponed.note({ id, deadlineAt: Math.ceil(clock.wallNow() + maxPostponeMs) });
  }
  if (deadlineAt !== undefined) await promises.note({ id, deadlineAt });
}

function keyOf(prefix: string, { id, deadlineAt }: DuePromise): string {
  return `${prefix}${String(deadlineAt).padStart(digits, '0')}/${id}`;
}

function promiseAt(prefix: string, key: string): DuePromise {
  const [time = '', id = ''] = key.slice(prefix.length).split('/');
  return { id, deadlineAt: Number(time) };
}
