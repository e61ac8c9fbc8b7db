import { EntryMalformedError, encodeEntry, type LedgerEntry } from '@slackwater/shared';
import type { Acceptance, Step } from './deferral.ts';
import { LedgerError } from './ledger-error.ts';
import type { DeferralState } from './life.ts';

/** What every entry of a ledger says alike. */
export interface EntryOwner {
  readonly application: string;
  readonly group: string;
}

/** By when an acceptance promises that it is performed or reported, Unix milliseconds; undefined where it promises nothing. */
export function deadlineOf({ maxDelayMs }: Acceptance, nowMs: number): number | undefined {
  return maxDelayMs === undefined ? undefined : nowMs + maxDelayMs;
}

/** What an entry says that is about no single deferral: that somebody did something to the ledger. */
export function ledgerEntry(
  { application, group }: EntryOwner,
  type: LedgerEntry['type'],
  { id, by, nowMs }: { readonly id: string; readonly by: string; readonly nowMs: number },
): LedgerEntry {
  const nowhere = { method: '', route: '', workType: '', partition: '' };
  return {
    v: 1,
    type,
    id,
    at: timeOf(nowMs),
    group,
    application,
    ...nowhere,
    requester: '',
    reasons: [],
    by,
  };
}

/** The entry of an acceptance. `payload` is the digest, base64. */
export function acceptedEntry(
  owner: EntryOwner,
  acceptance: Acceptance,
  facts: {
    readonly id: string;
    readonly requester: string;
    readonly payload: string;
    readonly nowMs: number;
    readonly deadlineAt: number | undefined;
  },
): LedgerEntry {
  return {
    v: 1,
    type: 'accepted',
    id: facts.id,
    at: timeOf(facts.nowMs),
    group: owner.group,
    application: owner.application,
    method: acceptance.request.method,
    route: acceptance.route,
    workType: acceptance.workType,
    partition: acceptance.partition,
    requester: facts.requester,
    reasons: acceptance.reasons,
    payload: facts.payload,
    ...(facts.deadlineAt === undefined ? {} : { deadlineAt: timeOf(facts.deadlineAt) }),
    ...(acceptance.because === undefined ? {} : { because: acceptance.because }),
    ...(acceptance.belongsTo === undefined ? {} : { parent: acceptance.belongsTo.parent }),
    ...(acceptance.acknowledged === true ? { acknowledged: 'succeeded' as const } : {}),
  };
}

/** The entry of a step. `attempt` counts from 1; `outcome` is the digest, base64, of an outcome that is kept. */
export function stepEntry(
  owner: EntryOwner,
  state: DeferralState,
  step: Step,
  facts: { readonly attempt: number; readonly outcome: string | undefined; readonly nowMs: number },
): LedgerEntry {
  return {
    v: 1,
    type: step.type,
    id: state.id,
    at: timeOf(facts.nowMs),
    group: owner.group,
    application: owner.application,
    method: state.method,
    route: state.route,
    workType: state.workType,
    partition: state.partition,
    requester: state.requester,
    reasons: step.type === 'postponed' ? step.reasons : [],
    ...(facts.attempt > 0 && { attempt: facts.attempt }),
    ...(facts.outcome !== undefined && { outcome: facts.outcome }),
    ...particulars(state, step, facts.outcome !== undefined),
  };
}

/** The bytes of an entry. Throws `parameter-invalid` where it would be longer than an entry may be, once `refused` was called. */
export function entryBytes(entry: LedgerEntry, refused: () => void = () => {}): Uint8Array {
  try {
    return encodeEntry(entry);
  } catch (cause) {
    if (!(cause instanceof EntryMalformedError)) throw cause;
    refused();
    throw new LedgerError(
      'parameter-invalid',
      `The request can't become an entry of the ledger: ${cause.message}`,
      {
        cause,
      },
    );
  }
}

function particulars(state: DeferralState, step: Step, outcomeKept: boolean): Partial<LedgerEntry> {
  switch (step.type) {
    case 'performing':
    case 'released':
      return {};
    case 'postponed':
      return { postponements: state.postponements + 1 };
    case 'performed':
      return { outcomeKnown: outcomeKept, ...statusOf(step.outcome), ...readFromOf(step) };
    case 'failed':
      return {
        error: step.error.code,
        ...statusOf(step.outcome),
        ...(step.retryAt !== undefined && { retryAt: timeOf(step.retryAt) }),
        ...readFromOf(step),
      };
    case 'overdue':
      return state.deadlineAt === undefined ? {} : { deadlineAt: timeOf(state.deadlineAt) };
    case 'parked':
      return { error: step.error.code, ...statusOf(step.outcome) };
    case 'redriven':
      return { by: step.by, ...(step.repeat && { repeat: true }) };
    case 'canceled':
      return { error: step.error.code };
    default:
      return step satisfies never;
  }
}

function readFromOf({ readFrom }: { readonly readFrom?: readonly string[] }): Partial<LedgerEntry> {
  return readFrom === undefined ? {} : { readFrom };
}

function statusOf(outcome: { readonly status: number } | undefined): Partial<LedgerEntry> {
  return outcome === undefined ? {} : { status: outcome.status };
}

function timeOf(unixMs: number): string {
  return new Date(unixMs).toISOString();
}
