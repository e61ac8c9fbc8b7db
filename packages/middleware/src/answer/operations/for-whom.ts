import { createProblem, type Problem, type ReasonCode } from '@slackwater/shared';
import type { Request } from 'express';
import type { Recorder } from '../gate-parts.ts';
import type { PassedRequest } from '../parts/contract.ts';
import { requesterOf } from '../requester.ts';

/** For whom, and where, a request asks for an operation. */
export interface AskedFor {
  readonly kind: 'asked';
  readonly at: Recorder;
  /** In the application's own words; empty where only the pseudonym is known. */
  readonly requester: string;
  readonly pseudonym?: string;
  readonly workType: string;
  /** The deferral that the request is performed for. */
  readonly replay: string | undefined;
}

type NotAsked =
  | { readonly kind: 'refused'; readonly problem: Problem }
  | { readonly kind: 'not-now'; readonly reason: ReasonCode };

/** Finds that out. Rejects where the deferral that it is performed for can't be found. */
export async function forWhom(
  { means, facts, replay }: PassedRequest,
  req: Request,
): Promise<AskedFor | NotAsked> {
  const { desk, recorders, options } = means;
  if (desk === undefined || recorders === undefined) throw new TypeError('there is no engine');
  const { name, failed } = await requesterOf(means, req);
  if (replay !== undefined) {
    const { at, pseudonym } = await desk.parentOf(replay.id);
    const whose = { requester: name ?? '', pseudonym };
    return { kind: 'asked', at, ...whose, workType: replay.workType, replay: replay.id };
  }
  if (failed) return { kind: 'not-now', reason: 'option-function-failed' };
  if (name === undefined) return { kind: 'refused', problem: nobody };
  const at = await recorders.of(req);
  if (typeof at === 'string') return { kind: 'not-now', reason: at };
  const workType = facts?.workType.name ?? options.defaultWorkType;
  return { kind: 'asked', at, requester: name, workType, replay: undefined };
}

const nobody = createProblem(
  'requester-unknown',
  'An operation belongs to whoever asks for it, and nobody is known to ask. Authenticate, and ask again.',
);
