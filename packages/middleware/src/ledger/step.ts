import { EngineError } from '../engines/engine-error.ts';
import type { Deferral, Outcome, Step } from './deferral.ts';
import { LedgerError } from './ledger-error.ts';
import { applyEntry, type DeferralState, decideStep, itemOf, publicPart } from './life.ts';
import { entryBytes, stepEntry } from './make-entry.ts';
import type { LedgerParts } from './parts.ts';
import { outcomeBytes, outcomeDigest } from './payload-digest.ts';
import type { StoredState } from './states.ts';

// A step, by crash point. The state is written by compare-and-set and decides who may speak; the entry says it.
//
//   performing: state (token, attempt) -> entry. Crash between: an attempt that has no entry. Nothing was done in it that the
//     completion row does not know of; the next attempt has the next number.
//   postponed, performed, failed, parked: the outcome, if it is final -> entry -> state. Crash before the entry: the attempt is
//     still under way as far as anybody knows; its lease expires, and the completion row tells the next performer what was
//     done. Crash before the state: the log is ahead; whoever holds the item next looks into the log first, and recovery does.
//   redriven: entry -> state -> queue. Crash between: recovery carries the entry over, and puts the item back.
//   canceled: state (canceling) -> entry -> state. Crash after the mark: nobody begins to perform it any more; who tries, or
//     cancels again, finishes it.
//
// A performer that lost its lease between the look at the state and the entry may still write its entry. What it says
// is true, for the completion row let no other do the work; the log's order settles which entry counts (life.ts).

const mostTries = 32;

/** Where the store has an outcome. By attempt, so that a performer that comes late replaces nobody's. */
export function outcomeKey(id: string, attempt: number): string {
  return `outcome/${id}/${attempt}`;
}

/** Takes steps for one ledger; see `DeferralLedger.step`. */
export function stepper(parts: LedgerParts): (id: string, step: Step) => Promise<Deferral | undefined> {
  const { clock, store, queue, states, history, sealer, progress, dataKeys } = parts;

  async function take(id: string, step: Step): Promise<Deferral | undefined> {
    for (let i = 0; i < mostTries; i++) {
      const stored = await current(id, step);
      const decision = decideStep(stored.state, step, clock.wallNow());
      if (decision.kind === 'refused') return undefined;
      if (decision.kind === 'finish-canceling') {
        await recordStep(stored, canceledStep, 0);
        continue;
      }
      const { claimed, attempt } = decision;
      if (claimed === undefined) return publicPart(await recordStep(stored, step, attempt));
      const revision = await states.update(claimed, stored.revision);
      if (revision !== undefined)
        return publicPart(await recordStep({ state: claimed, revision }, step, attempt));
    }
    throw contended(id);
  }

  /** The state a step meets. Where an attempt was left open, the log may know how it ended. */
  async function current(id: string, step: Step): Promise<StoredState> {
    const stored = await history.load(id);
    if (stored === undefined) throw new LedgerError('not-found', `There is no deferral ${id}.`);
    const { state } = stored;
    const leftOpen = 'token' in step && state.phase === 'performing' && step.token > state.token;
    if (!leftOpen) return stored;
    const replayed = await history.replay(state);
    if (replayed === state) return stored;
    await states.update(replayed, stored.revision);
    return (await states.read(id)) ?? stored;
  }

  async function recordStep(stored: StoredState, step: Step, attempt: number): Promise<DeferralState> {
    const outcome = await keepOutcome(stored.state, step, attempt);
    const entry = stepEntry(parts, stored.state, step, { attempt, outcome, nowMs: clock.wallNow() });
    const position = await sealer.record(entryBytes(entry)).sealed;
    const message = 'error' in step ? step.error.message : undefined;
    // The claim has said all that there is to say about the beginning of an attempt.
    const state =
      step.type === 'performing'
        ? stored.state
        : await write(stored, (state) => applyEntry(state, entry, position, message));
    // Where this fails recovery does it, for the entry is not complete.
    if (step.type === 'redriven') await queue.revive(itemOf(state), state.token);
    progress.complete(position);
    if (step.type === 'canceled') await leaveQueue(state.id);
    return state;
  }

  /** Keeps a final outcome, encrypted, and gives its digest. */
  async function keepOutcome(state: DeferralState, step: Step, attempt: number): Promise<string | undefined> {
    const outcome = finalOutcome(step);
    // Without the payload record there is no salt, and a digest without one could be guessed at.
    if (outcome === undefined || state.salt === '') return undefined;
    // What nobody can read need not be kept.
    const vault = await dataKeys.of(state.requester);
    if (vault === undefined) return undefined;
    const bytes = outcomeBytes(outcome);
    const key = outcomeKey(state.id, attempt);
    const expiresAt = clock.wallNow() + parts.keepOutcomeMs;
    await store.put(key, vault.seal(state.id, `outcome ${attempt}`, bytes), { expiresAt });
    return outcomeDigest(Buffer.from(state.salt, 'base64'), bytes);
  }

  async function write(
    stored: StoredState,
    change: (state: DeferralState) => DeferralState,
  ): Promise<DeferralState> {
    let latest: StoredState | undefined = stored;
    for (let i = 0; i < mostTries && latest !== undefined; i++) {
      const next = change(latest.state);
      if (next === latest.state) return next;
      if ((await states.update(next, latest.revision)) !== undefined) return next;
      latest = await history.load(stored.state.id);
    }
    throw contended(stored.state.id);
  }

  async function leaveQueue(id: string): Promise<void> {
    // Where this fails a performer finds the deferral settled and takes it off.
    await queue.remove(id).catch(() => false);
  }

  return take;
}

/** The step that ends a cancellation which was begun. */
export const canceledStep: Step = {
  type: 'canceled',
  error: { code: 'canceled-by-requester', message: 'Canceled by its requester before it was performed.' },
};

function finalOutcome(step: Step): Outcome | undefined {
  if (step.type === 'performed' || step.type === 'parked') return step.outcome;
  return step.type === 'failed' && step.retryAt === undefined ? step.outcome : undefined;
}

function contended(id: string): EngineError {
  return new EngineError(
    'engine-unavailable',
    'none',
    `The state of deferral ${id} is written by too many at once.`,
  );
}
