import type { EngineStore } from '../engines/store.ts';
import { isWorkTypeEntry } from './changed-work-types.ts';
import type { Deferral, Step } from './deferral.ts';
import type { PlacedEntry } from './history.ts';
import { applyEntry, type DeferralState, isSettled, isWaitingRedriven, itemOf } from './life.ts';
import { isOperationEntry } from './operation-records.ts';
import type { LedgerParts } from './parts.ts';
import type { Retention } from './retention.ts';
import type { StoredState } from './states.ts';
import { canceledStep } from './step.ts';

// States and queue are made to agree with the log again: at start, now and then, and at close. The cursor, in the store at
// recovery/cursor, is a position below which they do, so that a start costs what happened since it was written. A
// cursor that is too low costs time and nothing else; it is never written too high.
//
// Of several hosts each looks at everything when it starts, for the others may be dead. Afterwards they take turns: who holds
// recovery/turn looks at what all have appended, and the others go on from the cursor that it writes. Two at a time
// would do the same twice, which does no harm. Within its turn a host also deletes what settled deferrals leave (retention.ts).
//
// Where the payload record of an accepted one is gone, it was settled further on in the log and long ago, unless the store was
// damaged. So such a one is not begun before everything else was read: what was settled is left as it is.

const cursorKey = 'recovery/cursor';
const turnKey = 'recovery/turn';
/** A host that dies within its turn keeps the others from theirs for so long, ms. */
const turnMs = 30_000;
const parallel = 16;

/** The stored cursor; 0 where there is none, or none that is readable. */
export async function readCursor(store: EngineStore): Promise<number> {
  const stored = await store.get(cursorKey);
  const position = stored === undefined ? 0 : Number(Buffer.from(stored.value).toString('utf8'));
  return Number.isSafeInteger(position) && position >= 0 ? position : 0;
}

/** Makes states and queue agree with the log. */
export interface Recovery {
  /** Seals what is unsealed, and carries every entry over that is not known to be, up to the end. */
  run(): Promise<void>;
  /**
   * The same for what was sealed when this was last called: by now whoever appended it had time to do it. Does nothing
   * while another host is at it.
   */
  runBehind(): Promise<void>;
}

/** The recovery of one ledger. `step` finishes cancellations that were cut off; `retention` follows behind it. */
export function openRecovery(
  parts: LedgerParts,
  step: (id: string, step: Step) => Promise<Deferral | undefined>,
  retention: Retention,
): Recovery {
  const { clock, store, queue, states, history, sealer, progress, changedWorkTypes } = parts;
  let behind = 0;
  let writtenCursor = -1;

  async function carryOverUpTo(end: number): Promise<void> {
    const held = [...progress.heldOrderKeys];
    const bare = new Map<string, DeferralState>();
    for await (const page of history.pages(progress.mark, end)) {
      const open = page.filter(({ position }) => !progress.isComplete(position));
      const changes = open.filter(({ entry }) => isWorkTypeEntry(entry));
      if (changes.length > 0) await changedWorkTypes.apply(changes);
      // Operations are followed by whoever runs them.
      const byId = groupById(open.filter(({ entry }) => !isWorkTypeEntry(entry) && !isOperationEntry(entry)));
      const groups = [...byId.entries()];
      for (let i = 0; i < groups.length; i += parallel) {
        const some = groups.slice(i, i + parallel);
        const states = await Promise.all(some.map(([id, entries]) => upToDate(id, entries, bare)));
        await enqueueWaiting(states);
      }
      const last = page.at(-1);
      if (last !== undefined && bare.size === 0) progress.completeBelow(last.position + 1);
    }
    await beginAll([...bare.values()]);
    progress.completeBelow(end);
    for (const key of held) progress.heldOrderKeys.delete(key);
    await writeCursor();
  }

  /** Calls in the order of the log, which is the order in which the engine works on them. */
  async function enqueueWaiting(some: readonly (DeferralState | undefined)[]): Promise<void> {
    const waiting = some.filter((state) => state !== undefined).filter((state) => !isSettled(state));
    await Promise.all(
      waiting.map(async (state) => {
        if (state.canceling) return step(state.id, canceledStep);
        // Parked ones wait for an operator, not for a performer; except for a handler, which the next version may have.
        if (state.phase === 'parked' && state.error?.code !== 'handler-missing') return false;
        if (isWaitingRedriven(state)) return queue.revive(itemOf(state), state.token);
        return queue.enqueue(itemOf(state));
      }),
    );
  }

  /** Those whose payload record was lost, and that nothing settles. */
  async function beginAll(bare: readonly DeferralState[]): Promise<void> {
    for (let i = 0; i < bare.length; i += parallel) {
      const some = bare.slice(i, i + parallel);
      await Promise.all(some.map((state) => states.create(state)));
      await enqueueWaiting(some);
    }
  }

  /** Undefined where nothing is to be done about it, or not yet: it is `bare`. */
  async function upToDate(
    id: string,
    entries: readonly PlacedEntry[],
    bare: Map<string, DeferralState>,
  ): Promise<DeferralState | undefined> {
    for (;;) {
      const stored = (await states.read(id)) ?? (await begin(id, entries, bare));
      if (stored === undefined) return undefined;
      const next = applyAll(stored.state, entries);
      if (next === stored.state || (await states.update(next, stored.revision)) !== undefined) return next;
    }
  }

  async function begin(
    id: string,
    entries: readonly PlacedEntry[],
    bare: Map<string, DeferralState>,
  ): Promise<StoredState | undefined> {
    const accepted = entries.find(({ entry }) => entry.type === 'accepted');
    const begun = bare.get(id) ?? (accepted && (await history.begin(accepted)));
    if (begun === undefined) return history.load(id);
    if (begun.salt === '') {
      const next = applyAll(begun, entries);
      if (isSettled(next)) bare.delete(id);
      else bare.set(id, next);
      return undefined;
    }
    await states.create(begun);
    return states.read(id);
  }

  async function writeCursor(): Promise<void> {
    const { mark } = progress;
    if (mark === writtenCursor || mark <= (await readCursor(store))) return;
    await store.put(cursorKey, Buffer.from(String(mark), 'utf8'));
    writtenCursor = mark;
  }

  /** Below the mark nobody looks any more: where the changes of work types are lost, the whole log is asked for them. */
  async function findLostChanges(): Promise<void> {
    if ((await changedWorkTypes.read()) !== undefined) return;
    const found: PlacedEntry[] = [];
    if (progress.mark > 0) {
      for await (const placed of history.mentioning('work-type-changed', 0)) found.push(placed);
    }
    await changedWorkTypes.apply(found);
  }

  async function inTurn(work: () => Promise<void>): Promise<void> {
    const expiresAt = clock.wallNow() + turnMs;
    const turn = await store.create(turnKey, new Uint8Array(), { expiresAt });
    if (turn === undefined) return;
    try {
      await work();
    } finally {
      await store.delete(turnKey, turn).catch(() => false);
    }
  }

  return {
    async run() {
      await sealer.catchUp();
      const { link } = await sealer.sealTail();
      await findLostChanges();
      await carryOverUpTo(link.size);
    },
    async runBehind() {
      const end = behind;
      await sealer.sealTail();
      behind = sealer.head.link.size;
      progress.completeBelow(await readCursor(store));
      await inTurn(async () => {
        await carryOverUpTo(Math.max(end, progress.mark));
        await retention.forgetUpTo(progress.mark);
      });
    },
  };
}

function applyAll(state: DeferralState, entries: readonly PlacedEntry[]): DeferralState {
  return entries.reduce((so, { entry, position }) => applyEntry(so, entry, position), state);
}

function groupById(page: readonly PlacedEntry[]): Map<string, PlacedEntry[]> {
  const groups = new Map<string, PlacedEntry[]>();
  for (const placed of page) {
    const group = groups.get(placed.entry.id);
    if (group === undefined) groups.set(placed.entry.id, [placed]);
    else group.push(placed);
  }
  return groups;
}
