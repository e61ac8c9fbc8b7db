import { createProblem, isSlackwaterError } from '@slackwater/shared';
import type { ChangeResult } from '../../options/gate-work-types.ts';
import { sendJson, sendNotFound, sendProblem } from '../send.ts';
import { bearerOf, hasScope } from './access.ts';
import type { WantedChange } from './contract.ts';
import type { Exchange } from './exchange.ts';
import { readJsonBody } from './read-json-body.ts';
import { sendFateUnknown, tellTrouble } from './trouble.ts';

/** `GET /work-types`. */
export async function getWorkTypes(exchange: Exchange): Promise<void> {
  const { parts, res } = exchange;
  if (!hasScope(exchange, 'audit:read', 'admin')) return sendNotFound(res);
  sendJson(res, 200, {}, { workTypes: parts.workTypes.list() });
}

/** `GET /work-types/:name`, with its ETag. */
export async function getWorkType(exchange: Exchange): Promise<void> {
  const { parts, params, res } = exchange;
  if (!hasScope(exchange, 'audit:read', 'admin')) return sendNotFound(res);
  const name = params['name'] ?? '';
  const workType = parts.workTypes.find(name);
  if (workType === undefined) return sendNotFound(res);
  const thresholdsMs = parts.workTypes.learned(name);
  const shown = thresholdsMs === undefined ? workType : { ...workType, thresholdsMs };
  sendJson(res, 200, { ETag: workType.etag }, shown);
}

/** `PUT /work-types/:name` with the members that are to change. */
export async function putWorkType(exchange: Exchange): Promise<void> {
  const name = changeable(exchange);
  if (name === undefined) return sendNotFound(exchange.res);
  const members = await bodyOf(exchange);
  if (members !== undefined) await change(exchange, [[name, { kind: 'change', members: members.value }]]);
}

/** `DELETE /work-types/:name`: takes back what was changed of it. */
export async function deleteWorkType(exchange: Exchange): Promise<void> {
  const name = changeable(exchange);
  if (name === undefined) return sendNotFound(exchange.res);
  await change(exchange, [[name, { kind: 'reset' }]]);
}

/** `PUT /work-types` with changes of several, by name: all at once, or none. */
export async function putWorkTypes(exchange: Exchange): Promise<void> {
  const { res, req } = exchange;
  if (!hasScope(exchange, 'admin')) return sendNotFound(res);
  const body = await bodyOf(exchange);
  if (body === undefined) return;
  const { value } = body;
  if (
    typeof value !== 'object' ||
    value === null ||
    Array.isArray(value) ||
    Object.keys(value).length === 0
  ) {
    const example = 'The body must name work types: {"settle": {"thresholdMs": 150}}.';
    return sendProblem(res, createProblem('change-refused', example));
  }
  if (req.headers['if-match'] !== undefined) {
    const detail = 'If-Match goes with one work type; several have no ETag together. Change them one by one.';
    return sendProblem(res, createProblem('change-refused', detail));
  }
  const wanted = Object.entries(value).map(([name, members]) => [name, { kind: 'change', members }] as const);
  await change(exchange, wanted);
}

/** The name in the path, where there is such a work type and its caller may change it. */
function changeable(exchange: Exchange): string | undefined {
  const name = exchange.params['name'] ?? '';
  if (!hasScope(exchange, 'admin')) return undefined;
  return exchange.parts.workTypes.find(name)?.name;
}

async function bodyOf(exchange: Exchange): Promise<{ readonly value: unknown } | undefined> {
  const body = await readJsonBody(exchange);
  if (body.kind === 'json') return body;
  if (body.kind === 'gone') return undefined;
  // What is left of it is not waited for.
  const headers = body.closes ? { Connection: 'close' } : {};
  sendProblem(exchange.res, createProblem('parameter-invalid', body.detail), headers);
  return undefined;
}

async function change(
  exchange: Exchange,
  wanted: readonly (readonly [string, WantedChange])[],
): Promise<void> {
  const { parts, req, res } = exchange;
  const ifMatch = etagsOf(req.headers['if-match']);
  let result: ChangeResult;
  try {
    result = await parts.workTypes.change(new Map(wanted), bearerOf(exchange), ifMatch);
  } catch (error) {
    if (!isSlackwaterError(error)) throw error;
    if (error.code === 'precondition-failed') {
      return sendProblem(res, createProblem('precondition-failed', error.message));
    }
    if (error.code.startsWith('option-') || error.code === 'parameter-invalid') {
      return sendProblem(res, createProblem('change-refused', error.message));
    }
    if ((error as { readonly fate?: unknown }).fate !== 'unknown') throw error;
    tellTrouble(parts, 'recording a change of work types', error);
    return sendFateUnknown(res, 'Whether the change was recorded is not known. Read the work type again.');
  }
  const { workTypes, recorded, warnings } = result;
  const [only, another] = workTypes;
  const beside = { recorded, ...(warnings.length > 0 && { warnings }) };
  if (only !== undefined && another === undefined && exchange.params['name'] !== undefined) {
    return sendJson(res, 200, { ETag: only.etag }, { ...only, ...beside });
  }
  sendJson(res, 200, {}, { workTypes, ...beside });
}

/** What If-Match lists (RFC 9110, section 13.1.1); weak ones match nothing. Undefined without it. */
function etagsOf(header: string | undefined): readonly string[] | undefined {
  return header?.split(',').map((etag) => etag.trim());
}
