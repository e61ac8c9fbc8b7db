import { Buffer } from 'node:buffer';
import type { EngineStore } from '../../engines/store.ts';
import { type BatchState, firstState, parseState, stateBytes } from './batch-state.ts';

/** The part of a key-value store that batches need. */
export type BatchStore = Pick<EngineStore, 'get' | 'create' | 'update'>;

/** The state of a batch and the revision that it has. */
export interface StoredState {
  readonly state: BatchState;
  readonly revision: number;
}

/** The state of one batch, as all hosts of the engine have it. Both calls reject where the engine can't be asked. */
export interface SharedState {
  /** One that is new is written at once. */
  read(): Promise<StoredState>;
  /** Undefined where somebody wrote since. */
  write(seen: StoredState, state: BatchState): Promise<StoredState | undefined>;
}

/** Where a batch's state lies: names have dots, keys have none. */
export function stateKey(name: string): string {
  return `batches/${Buffer.from(name).toString('base64url')}`;
}

/**
 * The state of the batch of that name. `store` gives the place where it lies, and rejects where that can't be opened in time.
 *
 * @param nowMs Unix milliseconds: where a batch that is new begins
 */
export function sharedState(
  name: string,
  store: () => Promise<BatchStore>,
  nowMs: () => number,
): SharedState {
  const key = stateKey(name);
  return {
    async read() {
      const from = await store();
      const known = await from.get(key);
      if (known !== undefined) return { state: stateIn(known.value, key), revision: known.revision };
      // From now on what becomes due while nobody is there is known to have been missed.
      const state = firstState(Math.floor(nowMs()));
      const revision = await from.create(key, stateBytes(state));
      return revision === undefined ? this.read() : { state, revision };
    },
    async write(seen, state) {
      const to = await store();
      const revision = await to.update(key, stateBytes(state), seen.revision);
      return revision === undefined ? undefined : { state, revision };
    },
  };
}

/** A store of this process alone, for gates without an engine. */
export function ownStore(): BatchStore {
  const values = new Map<string, { readonly value: Uint8Array; readonly revision: number }>();
  let revision = 0;
  function put(key: string, value: Uint8Array): number {
    revision += 1;
    values.set(key, { value, revision });
    return revision;
  }
  return {
    get: async (key) => values.get(key),
    create: async (key, value) => (values.has(key) ? undefined : put(key, value)),
    update: async (key, value, known) => (values.get(key)?.revision === known ? put(key, value) : undefined),
  };
}

function stateIn(bytes: Uint8Array, key: string): BatchState {
  const state = parseState(bytes);
  if (state !== undefined) return state;
  throw new Error(
    `What the store has at ${key} can't be read: another version wrote it, or somebody else. This host does not run the batch.`,
  );
}
