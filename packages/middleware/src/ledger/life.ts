import type { ErrorCode, LedgerEntry, OperationEntryType } from '@slackwater/shared';
import { errorCodes } from '@slackwater/shared';
import type { QueueItem } from '../engines/queue.ts';
import type { Deferral, Step } from './deferral.ts';
import type { PayloadFacts } from './payload-record.ts';

// The life of a deferral, decided purely. Live and rebuilt states come from one function, `applyEntry`: what the log says
// is what happened, in the order of the log; the first entry that settles a deferral counts and later ones change nothing.

/** A deferral's state with what only the ledger needs. */
export interface DeferralState extends Deferral {
  /** SHA-256 of the first capability, base64; empty where the payload record that has it is lost. */
  readonly capability: string;
  /** Position of the newest entry that was applied. */
  readonly applied: number;
  /** The attempt whose outcome settled it, or was the last one before it was parked; undefined where there is none. */
  readonly outcomeAttempt: number | undefined;
  /** Position of the entry that has that outcome's digest. */
  readonly outcomeAt: number | undefined;
  /**
   * Its requester's cancellation is about to become an entry: nobody may begin to perform it. Without this mark a
   * performer could begin between the look at the state and the entry.
   */
  readonly canceling: boolean;
  /** That it was not settled by its deadline stands in the ledger. */
  readonly overdue: boolean;
}

/** What is to be done with a step. */
export type StepDecision =
  /** It changes nothing. */
  | { readonly kind: 'refused' }
  /** A cancellation that was begun comes first. */
  | { readonly kind: 'finish-canceling' }
  /** `claimed` must be written, if it is given, before the entry is; else the state is right as it is. */
  | { readonly kind: 'record'; readonly claimed: DeferralState | undefined; readonly attempt: number };

const lowestPriority = 1_000_000;

/** The state that an `accepted` entry begins. `facts` are undefined where the payload record is lost or altered. */
export function beginLife(
  entry: LedgerEntry,
  position: number,
  facts: PayloadFacts | undefined,
): DeferralState {
  const at = Date.parse(entry.at);
  return {
    id: entry.id,
    status: 'NotStarted',
    phase: 'queued',
    method: entry.method,
    route: entry.route,
    workType: entry.workType,
    priority: facts?.priority ?? lowestPriority,
    partition: entry.partition,
    orderKey: facts?.orderKey,
    requester: entry.requester,
    completionKey: facts?.completionKey ?? entry.id,
    position,
    salt: facts === undefined ? '' : Buffer.from(facts.salt).toString('base64'),
    createdAt: at,
    deadlineAt: entry.deadlineAt === undefined ? undefined : Date.parse(entry.deadlineAt),
    updatedAt: at,
    attempts: 0,
    postponements: 0,
    token: 0,
    outcomeKnown: undefined,
    parent: entry.parent,
    held: entry.parent !== undefined,
    acknowledged: entry.acknowledged === 'succeeded',
    error: undefined,
    capability: facts?.capability ?? '',
    applied: position,
    outcomeAttempt: undefined,
    outcomeAt: undefined,
    canceling: false,
    overdue: false,
  };
}

/** Whether a deferral's life is over. */
export function isSettled(state: Deferral): boolean {
  return state.phase === 'settled';
}

/** What a step comes to, given the state it meets. */
export function decideStep(state: DeferralState, step: Step, nowMs: number): StepDecision {
  if (isSettled(state)) return { kind: 'refused' };
  if (step.type === 'overdue') {
    if (state.overdue || state.deadlineAt === undefined || nowMs <= state.deadlineAt)
      return { kind: 'refused' };
    return { kind: 'record', claimed: { ...state, overdue: true }, attempt: 0 };
  }
  if (step.type === 'released') {
    // The entry comes first: whoever begins it finds the entry in the log before its own.
    return state.held ? { kind: 'record', claimed: undefined, attempt: 0 } : { kind: 'refused' };
  }
  if (step.type === 'canceled') {
    if (!state.canceling && !isCancelable(state, step.attempts ?? 0)) return { kind: 'refused' };
    return {
      kind: 'record',
      claimed: state.canceling ? undefined : { ...state, canceling: true },
      attempt: 0,
    };
  }
  if (step.type === 'redriven') return decideRedriven(state);
  if (step.token < state.token) return { kind: 'refused' };
  if (state.canceling) return { kind: 'finish-canceling' };
  if (step.type === 'performing') return decidePerforming(state, step.token, nowMs);
  // Whoever has a newer token than the state shuts the older one out before it says anything.
  const claimed = step.token > state.token ? { ...state, token: step.token } : undefined;
  return { kind: 'record', claimed, attempt: state.attempts };
}

/** An attempt that began since its caller looked was not shut out, whether it is under way or not. */
function isCancelable(state: DeferralState, attempts: number): boolean {
  return state.phase !== 'performing' && state.attempts === attempts;
}

/** The entry comes first: a state that said so by itself would have nothing on the queue after a crash. */
function decideRedriven({ phase, canceling, attempts }: DeferralState): StepDecision {
  if (phase !== 'parked' || canceling) return { kind: 'refused' };
  return { kind: 'record', claimed: undefined, attempt: attempts };
}

function decidePerforming(state: DeferralState, token: number, nowMs: number): StepDecision {
  if (state.held) return { kind: 'refused' };
  // The same performer again: its first call was done and the answer lost.
  if (state.phase === 'performing' && state.token === token) {
    return { kind: 'record', claimed: undefined, attempt: state.attempts };
  }
  const attempt = state.attempts + 1;
  const claimed: DeferralState = {
    ...state,
    status: 'Running',
    phase: 'performing',
    attempts: attempt,
    token,
    error: undefined,
    updatedAt: nowMs,
  };
  return { kind: 'record', claimed, attempt };
}

/** The state after an entry of the log; the same state where the entry changes nothing. `message` is for people. */
export function applyEntry(
  state: DeferralState,
  entry: LedgerEntry,
  position: number,
  message?: string,
): DeferralState {
  if (position <= state.applied || isSettled(state)) return state;
  const applied: DeferralState = { ...state, applied: position, updatedAt: Date.parse(entry.at) };
  const attempt = entry.attempt ?? 0;
  // What an earlier attempt says late, other than that it is all over, is history.
  const late = attempt < state.attempts;
  const error = errorOf(entry, message);
  switch (entry.type) {
    case 'performing':
      if (attempt <= state.attempts) return { ...state, applied: position };
      return { ...applied, status: 'Running', phase: 'performing', attempts: attempt, error: undefined };
    case 'postponed': {
      const postponements = Math.max(state.postponements, entry.postponements ?? 0);
      return late ? { ...applied, postponements } : { ...applied, postponements, phase: 'postponed' };
    }
    case 'performed':
      return {
        ...settled(applied, entry, position),
        status: 'Succeeded',
        outcomeKnown: entry.outcomeKnown ?? true,
        error: undefined,
      };
    case 'failed':
      if (entry.retryAt === undefined)
        return { ...settled(applied, entry, position), status: 'Failed', error };
      return late
        ? { ...state, applied: position }
        : { ...applied, status: 'Running', phase: 'retrying', error };
    case 'parked':
      return late
        ? { ...state, applied: position }
        : { ...applied, ...outcomeOf(entry, position), phase: 'parked', error };
    case 'redriven': {
      // Where an attempt began since, or it is being canceled, that comes after it.
      if (late || state.phase !== 'parked') return { ...state, applied: position };
      const redriven = { attempts: attempt, repeat: entry.repeat === true };
      const phase = attempt > 0 ? 'retrying' : 'queued';
      return {
        ...applied,
        phase,
        redriven,
        error: undefined,
        outcomeAttempt: undefined,
        outcomeAt: undefined,
      };
    }
    case 'canceled':
      return { ...settled(applied, entry, position), status: 'Canceled', error };
    case 'overdue':
      return { ...state, applied: position, overdue: true };
    case 'released':
      return { ...applied, held: false };
    case 'accepted':
    case 'revealed':
    case 'erased':
    case 'work-type-changed':
    case 'key-rotated':
    case 'task-failing':
      return { ...state, applied: position };
    default:
      // Of operations, which have lives of their own.
      entry.type satisfies OperationEntryType;
      return { ...state, applied: position };
  }
}

/** Leaves out what only the ledger needs. */
export function publicPart(state: DeferralState): Deferral {
  const { capability, applied, outcomeAttempt, outcomeAt, canceling, overdue, ...deferral } = state;
  return deferral;
}

/** Whether it was put back on the queue after it was parked, and nobody has begun with it since. */
export function isWaitingRedriven({ redriven, attempts, phase }: DeferralState): boolean {
  return redriven?.attempts === attempts && (phase === 'queued' || phase === 'retrying');
}

/** What stands on the queue for a deferral. There 1 is what goes before everything that has a priority: undoing. */
export function itemOf({ id, partition, priority, position, orderKey }: DeferralState): QueueItem {
  return { id, partition, priority: priority + 1, position, ...(orderKey !== undefined && { orderKey }) };
}

function settled(state: DeferralState, entry: LedgerEntry, position: number): DeferralState {
  return { ...state, ...outcomeOf(entry, position), phase: 'settled', canceling: false };
}

function outcomeOf(
  entry: LedgerEntry,
  position: number,
): Pick<DeferralState, 'outcomeAttempt' | 'outcomeAt'> {
  if (entry.outcome === undefined) return { outcomeAttempt: undefined, outcomeAt: undefined };
  return { outcomeAttempt: entry.attempt ?? 0, outcomeAt: position };
}

function errorOf(entry: LedgerEntry, message: string | undefined): Deferral['error'] {
  if (entry.error === undefined) return undefined;
  const code: ErrorCode = errorCodes.find((known) => known === entry.error) ?? 'internal-error';
  return { code, message: message ?? code };
}
