import type { EngineStore, StoreOptions } from '../engines/store.ts';
import type { DataKeys } from './data-keys.ts';
import { type DeferralState, isSettled } from './life.ts';

// A deferral's state: the store's value at deferral/<id>, JSON. What is as it was at the beginning is left out, for most states are
// never read before they are replaced. A cache of the log: a lost one is made again from there.
// The message of an error may quote the application, so it is sealed as the payload is; once its requester is erased, the code
// stands for it. A settled one expires.

/** What comes before the id in the key of a state. */
export const statePrefix = 'deferral/';

/** A state with the revision that the next write must name. */
export interface StoredState {
  readonly state: DeferralState;
  readonly revision: number;
}

/** A state in a list; undefined where its bytes are not readable. */
export interface ListedState {
  readonly id: string;
  readonly state: DeferralState | undefined;
}

/** The states in the store. */
export interface States {
  read(id: string): Promise<StoredState | undefined>;
  /** False where there is one already. `isFresh` as {@link StoreOptions} has it. */
  create(state: DeferralState, isFresh?: boolean): Promise<boolean>;
  /** The new revision; undefined where the state was written by another since. */
  update(state: DeferralState, revision: number): Promise<number | undefined>;
  /** Newest id first, before `before`. Fewer than `limit` do not mean that there are no more; none does. */
  page(limit: number, before: string | undefined): Promise<readonly ListedState[]>;
}

/** What a state says at the beginning, as far as that is the same for all. */
const atFirst = {
  status: 'NotStarted',
  phase: 'queued',
  attempts: 0,
  postponements: 0,
  token: 0,
  canceling: false,
  overdue: false,
  held: false,
  acknowledged: false,
} as const satisfies Partial<DeferralState>;

type LeftOut = keyof typeof atFirst | 'updatedAt' | 'applied' | 'completionKey';

/** `sealed` is missing where there was no key to seal the message under. */
interface SealedError {
  readonly code: string;
  readonly sealed?: string;
}

type StoredForm = Omit<DeferralState, 'error' | LeftOut> &
  Partial<Pick<DeferralState, LeftOut>> & {
    readonly error?: SealedError;
  };

/** The states of a store; those of settled deferrals are shown for `keepMs` after that. */
export function openStates(store: EngineStore, dataKeys: DataKeys, keepMs: number): States {
  const expiry = (state: DeferralState): StoreOptions =>
    isSettled(state) ? { expiresAt: state.updatedAt + keepMs } : {};

  return {
    async read(id) {
      const stored = await store.get(statePrefix + id);
      if (stored === undefined) return undefined;
      const state = await decode(dataKeys, id, stored.value);
      if (state !== undefined) return { state, revision: stored.revision };
      // What can't be read of a cache is thrown away, and made again from the log.
      await store.delete(statePrefix + id, stored.revision);
      return undefined;
    },
    async create(state, isFresh = false) {
      const options = { ...expiry(state), isFresh };
      const created = await store.create(statePrefix + state.id, await encode(dataKeys, state), options);
      return created !== undefined;
    },
    update: async (state, revision) =>
      store.update(statePrefix + state.id, await encode(dataKeys, state), revision, expiry(state)),
    async page(limit, before) {
      const after = before === undefined ? {} : { after: statePrefix + before };
      const items = await store.list(statePrefix, { limit, reverse: true, ...after });
      return Promise.all(
        items.map(async ({ key, value }) => {
          const id = key.slice(statePrefix.length);
          return { id, state: await decode(dataKeys, id, value) };
        }),
      );
    },
  };
}

async function encode(dataKeys: DataKeys, state: DeferralState): Promise<Uint8Array> {
  const { error, status, phase, attempts, postponements, token, canceling, overdue, ...always } = state;
  const { held, acknowledged, updatedAt, applied, completionKey, ...rest } = always;
  const form: StoredForm = {
    ...rest,
    ...(status !== atFirst.status && { status }),
    ...(phase !== atFirst.phase && { phase }),
    ...(attempts !== atFirst.attempts && { attempts }),
    ...(postponements !== atFirst.postponements && { postponements }),
    ...(token !== atFirst.token && { token }),
    ...(canceling !== atFirst.canceling && { canceling }),
    ...(overdue !== atFirst.overdue && { overdue }),
    ...(held !== atFirst.held && { held }),
    ...(acknowledged !== atFirst.acknowledged && { acknowledged }),
    ...(updatedAt !== state.createdAt && { updatedAt }),
    ...(applied !== state.position && { applied }),
    ...(completionKey !== state.id && { completionKey }),
    ...(error && { error: await sealError(dataKeys, state, error) }),
  };
  return Buffer.from(JSON.stringify(form), 'utf8');
}

async function decode(dataKeys: DataKeys, id: string, value: Uint8Array): Promise<DeferralState | undefined> {
  const form = parseForm(id, value);
  if (form === undefined) return undefined;
  const { error, ...rest } = form;
  const opened = error && (await openError(dataKeys, form, error));
  if (opened === 'unreadable') return undefined;
  return {
    ...atFirst,
    updatedAt: form.createdAt,
    applied: form.position,
    completionKey: form.id,
    ...rest,
    // JSON has no undefined: members that are always there in memory are put back.
    orderKey: form.orderKey,
    deadlineAt: form.deadlineAt,
    outcomeKnown: form.outcomeKnown,
    parent: form.parent,
    outcomeAttempt: form.outcomeAttempt,
    outcomeAt: form.outcomeAt,
    error: opened,
  };
}

function parseForm(id: string, value: Uint8Array): StoredForm | undefined {
  try {
    const form = JSON.parse(Buffer.from(value).toString('utf8')) as StoredForm;
    return form.id === id && typeof form.position === 'number' ? form : undefined;
  } catch {
    return undefined;
  }
}

async function sealError(
  dataKeys: DataKeys,
  { id, requester }: DeferralState,
  { code, message }: NonNullable<DeferralState['error']>,
): Promise<SealedError> {
  const vault = await dataKeys.of(requester);
  if (vault === undefined) return { code };
  const sealed = vault.seal(id, 'error', Buffer.from(message, 'utf8'));
  return { code, sealed: Buffer.from(sealed).toString('base64') };
}

async function openError(
  dataKeys: DataKeys,
  { id, requester }: StoredForm,
  error: SealedError,
): Promise<DeferralState['error'] | 'unreadable'> {
  const code = error.code as NonNullable<DeferralState['error']>['code'];
  const vault = error.sealed === undefined ? undefined : await dataKeys.of(requester);
  if (vault === undefined || error.sealed === undefined) return { code, message: code };
  try {
    const message = vault.open(id, 'error', Buffer.from(error.sealed, 'base64'));
    return { code, message: Buffer.from(message).toString('utf8') };
  } catch {
    return 'unreadable';
  }
}
