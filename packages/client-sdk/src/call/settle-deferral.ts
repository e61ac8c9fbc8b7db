import type { DeferralResource } from '@slackwater/shared';
import type { InternalAxiosRequestConfig } from 'axios';
import type { DeferralSession } from '../deferral/session.ts';
import type { Settlement } from '../deferral/settlement.ts';
import { type CallHistory, factsOf } from '../errors/facts.ts';
import { redact } from '../errors/redact.ts';
import { type Provenance, type SlackwaterResponse, settle, unknownOutcome } from './settle.ts';

/** Ends a call by what became of its deferral. */
export function settleDeferral(
  config: InternalAxiosRequestConfig<unknown>,
  session: DeferralSession,
  settlement: Settlement,
  history: CallHistory,
): SlackwaterResponse {
  const provenance: Provenance = {
    attempts: history.attempts,
    waitsMs: [...history.waitsMs],
    outcomeKnown: settlement.kind === 'outcome',
    deferral: session.resource === undefined ? undefined : withoutCapability(session.resource),
    receipt: session.resource?.receipt,
    receiptVerified: session.receiptVerified,
    resume: undefined,
  };
  if (settlement.kind === 'outcome-unknown')
    return settle(config, unknownOutcome(), provenance, () => factsOf(history));
  // The request object of the outcome's GET would show the capability to whoever logs the response.
  return settle(config, { ...settlement.response, request: undefined }, provenance, () => factsOf(history));
}

/** Responses are logged, and the capability of a settled deferral still opens its outcome. */
function withoutCapability(resource: DeferralResource): DeferralResource {
  return { ...resource, resourceLocation: redact(resource.resourceLocation) };
}
