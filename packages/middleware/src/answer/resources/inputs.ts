import { createProblem, isSlackwaterError } from '@slackwater/shared';
import { inTime } from '../../in-time.ts';
import { sendJson, sendNotFound, sendProblem } from '../send.ts';
import type { Exchange } from './exchange.ts';
import { findDeferral, resourceOf } from './find-deferral.ts';
import { resourceLimits } from './limits.ts';
import { paceOf, waitHeaders } from './pace.ts';
import { readJsonBody } from './read-json-body.ts';
import { tellTrouble } from './trouble.ts';

const askedByOwner = {
  'input-refused': 'input-refused',
  'input-differs': 'input-differs',
  'operation-settled': 'operation-settled',
  // It was settled since it was looked for.
  'operation-unknown': 'operation-settled',
} as const;

/**
 * `POST /deferrals/:id/inputs`: gives the operation that a deferral is left to values from outside, by label, for its caller and administrators. 200 with the
 * resource when that is recorded, also where the same was given before. 503 where this process has not what checks them.
 */
export async function postInputs(exchange: Exchange): Promise<void> {
  const { parts, res } = exchange;
  const found = await findDeferral(exchange, 'admin');
  const progress = found && (await found.records.runs.progress(found.deferral));
  if (found === undefined || progress === undefined) return sendNotFound(res);
  if (found.deferral.phase === 'settled') return sendProblem(res, over);
  const body = await readJsonBody(exchange, resourceLimits.inputsBytes);
  if (body.kind === 'gone') return;
  if (body.kind === 'fault') {
    // What is left of it is not waited for.
    const headers = body.closes ? { Connection: 'close' } : {};
    return sendProblem(res, createProblem('parameter-invalid', body.detail), headers);
  }
  const given = found.records.runs.provide(found.deferral, body.value as Readonly<Record<string, unknown>>);
  try {
    await inTime(parts.clock, resourceLimits.cancelMs, 'Giving inputs', given);
  } catch (error) {
    if (isSlackwaterError(error) && error.code === 'function-missing') {
      tellTrouble(parts, 'giving inputs to an operation', error);
      return sendProblem(res, notDeployed, waitHeaders(resourceLimits.troubleRetryMs));
    }
    const code = isSlackwaterError(error) ? problems.get(error.code) : undefined;
    if (code === undefined || !(error instanceof Error)) throw error;
    return sendProblem(res, code === 'operation-settled' ? over : createProblem(code, error.message));
  }
  const resource = await resourceOf(exchange, found);
  sendJson(res, 200, paceOf(parts, resource), resource);
}

const problems: ReadonlyMap<string, (typeof askedByOwner)[keyof typeof askedByOwner]> = new Map(
  Object.entries(askedByOwner),
);

const notDeployed = createProblem(
  'function-missing',
  'This process can not tell whether that is valid, for it has not that version of the operation; nothing was recorded. Send it to a process that has it, or again when it is there.',
);

const over = createProblem(
  'operation-settled',
  'The operation has ended, or is being undone: it takes no inputs any more.',
);
