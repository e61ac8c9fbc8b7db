import type { LedgerEntry } from '@slackwater/shared';
import { payloadKey } from './history.ts';
import { LedgerError } from './ledger-error.ts';
import type { DeferralState } from './life.ts';
import { entryBytes } from './make-entry.ts';
import type { LedgerParts } from './parts.ts';
import { openNames, openParameter, splitPayload } from './payload-record.ts';
import { allNames, isParameterName, nameRule, type ParameterValue, revealedValue } from './revealed-value.ts';

// Revealing, by crash point: what was asked for is opened in memory -> the entry `revealed` is durable and sealed -> the values
// leave. A crash before the entry has shown nobody anything; one after it leaves an entry about what nobody may have seen, and
// that errs on the right side. Where the entry can't be recorded, or it is not known whether it was, nothing is shown.

/** Who wants to see what of a deferral in plain text, and what for. */
export interface RevealRequest {
  /** Names of parameters (docs/keys.md), 1 to 50; `names` for the list of them. */
  readonly parameters: readonly string[];
  /** `token:<subject>` or `code:<name>`. */
  readonly by: string;
  /** In the words of whoever asks, 1 to 500 characters. It stays in the ledger for good. */
  readonly purpose: string;
}

/** The name under which showing a route's answer is recorded. */
export const outcomeParameter = 'outcome';

const mostParameters = 50;
const mostPurposeCharacters = 500;

/** Reveals parameters of one ledger's deferrals. */
export interface Revealer {
  /**
   * The values of parameters, once it is recorded that they are shown. Rejects with `parameter-invalid`, `not-found` where there is
   * no such deferral or its payload is kept no longer, `requester-erased`, `record-corrupt`, and an `EngineError`.
   */
  reveal(id: string, request: RevealRequest): Promise<readonly ParameterValue[]>;
  /** Records that a deferral's outcome is shown. Rejects likewise. */
  revealOutcome(id: string, request: Omit<RevealRequest, 'parameters'>): Promise<void>;
}

/** The revealer of one ledger. */
export function openRevealer(parts: LedgerParts): Revealer {
  const { store, dataKeys, history } = parts;

  async function existing(id: string): Promise<DeferralState> {
    const state = (await history.load(id))?.state;
    if (state === undefined) throw new LedgerError('not-found', `There is no deferral ${id}.`);
    return state;
  }

  return {
    async reveal(id, request) {
      checkReveal(request);
      const state = await existing(id);
      const stored = await store.get(payloadKey(id));
      if (stored === undefined) {
        throw new LedgerError('not-found', `The payload of deferral ${id} is kept no longer.`);
      }
      const payload = splitPayload(id, stored.value);
      if (payload.pseudonym !== state.requester) {
        throw new LedgerError(
          'record-corrupt',
          `The payload record of deferral ${id} is another requester's.`,
        );
      }
      const vault = await dataKeys.need(payload.pseudonym);
      const values = request.parameters.map((name) =>
        name === allNames
          ? { name, value: openNames(vault, payload) }
          : revealedValue(name, openParameter(vault, payload, name)),
      );
      await record(parts, state, request);
      return values;
    },
    async revealOutcome(id, request) {
      const whole = { ...request, parameters: [outcomeParameter] };
      checkReveal(whole);
      await record(parts, await existing(id), whole);
    },
  };
}

async function record(
  { application, group, clock, sealer, progress }: LedgerParts,
  state: DeferralState,
  { parameters, by, purpose }: RevealRequest,
): Promise<void> {
  const entry: LedgerEntry = {
    v: 1,
    type: 'revealed',
    id: state.id,
    at: new Date(clock.wallNow()).toISOString(),
    group,
    application,
    method: state.method,
    route: state.route,
    workType: state.workType,
    partition: state.partition,
    requester: state.requester,
    reasons: [],
    by,
    parameters,
    purpose,
  };
  progress.complete(await sealer.record(entryBytes(entry)).sealed);
}

/** Throws `parameter-invalid` for what nobody may ask. */
export function checkReveal({ parameters, by, purpose }: RevealRequest): void {
  if (parameters.length < 1 || parameters.length > mostParameters) {
    throw invalid(`${parameters.length} parameters: name 1 to ${mostParameters} to be revealed.`);
  }
  const wrong = parameters.find((name) => name !== outcomeParameter && !isParameterName(name));
  if (wrong !== undefined) {
    throw invalid(`reveal: ${JSON.stringify(wrong.slice(0, 100))} is no parameter; give ${nameRule}.`);
  }
  if (by === '') throw invalid('by: say who wants to see it.');
  if (typeof purpose !== 'string' || purpose.trim() === '' || purpose.length > mostPurposeCharacters) {
    throw invalid(
      `purpose: say what it is revealed for, in 1 to ${mostPurposeCharacters} characters; that is recorded in the ledger, with who asked.`,
    );
  }
}

function invalid(message: string): LedgerError {
  return new LedgerError('parameter-invalid', message);
}
