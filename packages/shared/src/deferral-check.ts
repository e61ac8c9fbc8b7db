import { fromBase64 } from './base64.ts';
import type { DeferralPhase, DeferralResource, DeferralStatus, Durability, Reversal } from './deferral.ts';
import { SlackwaterError } from './errors.ts';
import {
  faultOf,
  filledText,
  flag,
  integerFrom,
  type MemberShape,
  oneOf,
  optional,
  type Shape,
  text,
  utcTime,
} from './json-shape.ts';
import { isOperationProgress } from './operation-progress.ts';

/** Every {@link DeferralStatus}. */
export const deferralStatuses = [
  'NotStarted',
  'Running',
  'Succeeded',
  'Failed',
  'Canceled',
] as const satisfies readonly DeferralStatus[];

/** Every {@link DeferralPhase}. */
export const deferralPhases = [
  'queued',
  'postponed',
  'performing',
  'retrying',
  'parked',
  'settled',
] as const satisfies readonly DeferralPhase[];

const durabilities = ['fsync', 'quorum'] as const satisfies readonly Durability[];
const ulid = /^[0-7][0-9A-HJKMNP-TV-Z]{25}$/;

/** Code `response-malformed`: a server's answer is not what Slackwater answers. */
export class ResponseMalformedError extends SlackwaterError {
  constructor(problem: string) {
    super('response-malformed', `not a deferral resource: ${problem}`);
  }
}

const base64: MemberShape = { check: (value) => fromBase64(value) !== undefined, expected: 'base64' };

const errorShape: Shape = { code: filledText, message: text };

const aUlid: MemberShape = {
  check: (value) => typeof value === 'string' && ulid.test(value),
  expected: 'a ULID',
};

const reversalShape: Shape = {
  id: aUlid,
  status: oneOf(deferralStatuses),
  phase: oneOf(deferralPhases),
  reversed: flag,
} satisfies Record<keyof Reversal, MemberShape>;

const shape: Shape = {
  id: aUlid,
  status: oneOf(deferralStatuses),
  phase: oneOf(deferralPhases),
  application: text,
  group: text,
  workType: text,
  partition: text,
  createdAt: utcTime,
  updatedAt: utcTime,
  estimatedAt: optional(utcTime),
  deadlineAt: optional(utcTime),
  attempts: integerFrom(0),
  postponements: integerFrom(0),
  portion: oneOf(['all', 'part']),
  part: optional(filledText),
  parent: optional(filledText),
  held: optional(oneOf([true])),
  acknowledged: optional(oneOf(['succeeded'])),
  reversal: optional({
    check: (value) => faultOf(value, reversalShape) === undefined,
    expected: 'an object with id, status, phase and reversed',
  }),
  operation: optional({ check: isOperationProgress, expected: 'how a run of an operation stands' }),
  durable: oneOf(durabilities),
  outcomeKnown: optional(flag),
  error: optional({
    check: (value) => faultOf(value, errorShape) === undefined,
    expected: 'an object with code and message',
  }),
  resourceLocation: filledText,
  receipt: filledText,
  entry: base64,
  salt: base64,
} satisfies Record<keyof DeferralResource, MemberShape>;

/**
 * Whether untrusted JSON is a deferral resource. Never throws. Members that this version does not know are allowed, and
 * so are error codes: a server may be newer. Receipt and entry are not verified: that is `verifyReceipt`.
 */
export function isDeferralResource(value: unknown): value is DeferralResource {
  return faultOf(value, shape) === undefined;
}

/** The same value, typed. Throws `response-malformed`, naming the first member that is wrong. */
export function parseDeferralResource(value: unknown): DeferralResource {
  const fault = faultOf(value, shape);
  if (fault !== undefined) throw new ResponseMalformedError(fault);
  return value as DeferralResource;
}
