import type { WorkTypeChange } from '@slackwater/shared';
import { EngineError } from '../engines/engine-error.ts';
import { afterEntry, type ChangedWorkTypes } from './changed-work-types.ts';
import type { Deadline } from './deadline.ts';
import { entryBytes, ledgerEntry } from './make-entry.ts';
import type { LedgerParts } from './parts.ts';
import type { Recording } from './sealer.ts';
import { serial } from './serial.ts';

// A change of work types, by crash point. The turn, in the store at work-types/turn, lets one host change at a time.
//
//   turn      created, expiring     crash after: nobody changes anything until it expires, and nothing was changed
//   entry     appended, sealed      the commit point. Crash after: recovery applies it (recover.ts), well before the turn expires
//   changed   compare-and-set       crash after: hosts follow it; the turn expires
//   turn      deleted
//
// Where the fate of the append is not known the turn is left to expire, so that the next change is planned on what became of it.

const turnKey = 'work-types/turn';
/** Longer than recovery takes to come by twice. */
const turnMs = 60_000;
const betweenLooksMs = 25;

/** What is to be changed, given what was changed before; none where it is so already. Throws where it is refused. */
export type PlanChange = (before: ChangedWorkTypes) => Readonly<Record<string, WorkTypeChange>>;

/** Changes work types for one ledger; see `Ledger.changeWorkTypes`. */
export function workTypeChanger(
  parts: LedgerParts,
  newId: () => string,
): (plan: PlanChange, by: string, deadline: Deadline, attempt: ChangeAttempt) => Promise<ChangedWorkTypes> {
  const { clock, store, changedWorkTypes, sealer, progress } = parts;
  const inLine = serial();

  async function takeTurn(deadline: Deadline): Promise<number> {
    for (;;) {
      const expiresAt = clock.wallNow() + turnMs;
      const turn = await store.create(turnKey, new Uint8Array(), { expiresAt });
      if (turn !== undefined) return turn;
      await new Promise<void>((resolve) => clock.after(betweenLooksMs, resolve));
      if (deadline.expired) throw tooLate('Another change of work types is under way.');
    }
  }

  async function change(
    plan: PlanChange,
    by: string,
    deadline: Deadline,
    attempt: ChangeAttempt,
  ): Promise<ChangedWorkTypes> {
    const turn = await takeTurn(deadline);
    try {
      const before = (await changedWorkTypes.read()) ?? new Map();
      const changes = plan(before);
      if (Object.keys(changes).length === 0) return before;
      const [name = '', another] = Object.keys(changes);
      const about = { id: newId(), by, nowMs: clock.wallNow() };
      const workType = another === undefined ? name : '';
      const entry = { ...ledgerEntry(parts, 'work-type-changed', about), workType, changes };
      const bytes = entryBytes(entry);
      // Nothing is awaited between here and the append: a call that was answered with `none` stops at the latest now.
      if (deadline.expired) throw tooLate('The engine was too slow to change anything.');
      const placed = { entry, position: await attempt.record(sealer.record(bytes)) };
      // It is so from now on, whether the store can be told of it or not; then recovery tells it.
      const changed = await changedWorkTypes.apply([placed]).catch(() => undefined);
      if (changed === undefined) return afterEntry(before, placed);
      progress.complete(placed.position);
      attempt.applied();
      return changed;
    } finally {
      if (attempt.isCertain()) await store.delete(turnKey, turn).catch(() => false);
    }
  }

  return async (plan, by, deadline, attempt) => {
    try {
      return await inLine(() => change(plan, by, deadline, attempt));
    } catch (error) {
      // Whatever became of the writes around it: the change is its entry.
      const isNone = error instanceof EngineError && error.fate === 'unknown' && attempt.fate() === 'none';
      throw isNone ? new EngineError(error.code, 'none', error.message, { cause: error }) : error;
    }
  };
}

/** The one append of a change, if it comes to it. */
export interface ChangeAttempt {
  record(recording: Recording): Promise<number>;
  /** What became of it so far. Takes it back where that is still possible. */
  fate(): 'none' | 'unknown';
  /** The store has it. */
  applied(): void;
  /** Whether the store shows what became of it. */
  isCertain(): boolean;
}

/** An attempt that was not made yet. */
export function changeAttempt(): ChangeAttempt {
  let recording: Recording | undefined;
  let isApplied = false;
  let isRefused = false;
  const isUndone = (): boolean => recording === undefined || isRefused || recording.takeBack();
  return {
    async record(begun) {
      recording = begun;
      try {
        return await begun.sealed;
      } catch (error) {
        isRefused = error instanceof EngineError && error.fate === 'none';
        throw error;
      }
    },
    fate: () => (isUndone() ? 'none' : 'unknown'),
    applied() {
      isApplied = true;
    },
    isCertain: () => isApplied || isUndone(),
  };
}

function tooLate(message: string): EngineError {
  return new EngineError('engine-timeout', 'none', message);
}
