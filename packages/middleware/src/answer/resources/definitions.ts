import { createProblem, isSlackwaterError } from '@slackwater/shared';
import { sendEmpty, sendJson, sendNotFound, sendProblem } from '../send.ts';
import { bearerOf, hasScope } from './access.ts';
import type { Exchange } from './exchange.ts';
import { resourceLimits } from './limits.ts';
import { readJsonBody } from './read-json-body.ts';

/** `GET /operations/definitions`: which stored definitions are started. */
export async function getDefinitions(exchange: Exchange): Promise<void> {
  const { parts, res } = exchange;
  if (parts.records === undefined || !hasScope(exchange, 'audit:read', 'admin')) return sendNotFound(res);
  sendJson(res, 200, {}, { definitions: await parts.definitions.list() });
}

/** `GET /operations/definitions/:name`: one of them, or with `version` any that was ever stored. */
export async function getDefinition(exchange: Exchange): Promise<void> {
  const { parts, res, params, query } = exchange;
  if (parts.records === undefined || !hasScope(exchange, 'audit:read', 'admin')) return sendNotFound(res);
  const found = await parts.definitions.find(params['name'] ?? '', query.get('version') ?? undefined);
  if (found === undefined) return sendNotFound(res);
  sendJson(res, 200, {}, found);
}

/** `PUT /operations/definitions/:name`: stores a definition, for administrators; from then on it is started by that name. */
export async function putDefinition(exchange: Exchange): Promise<void> {
  const { parts, res, params } = exchange;
  if (parts.records === undefined || !hasScope(exchange, 'admin')) return sendNotFound(res);
  const body = await readJsonBody(exchange, resourceLimits.definitionBytes);
  if (body.kind === 'gone') return;
  if (body.kind === 'fault') {
    const headers = body.closes ? { Connection: 'close' } : {};
    return sendProblem(res, createProblem('parameter-invalid', body.detail), headers);
  }
  const { name } = (body.value ?? {}) as { readonly name?: unknown };
  if (name !== params['name']) {
    const detail = 'The "name" of the definition and the one in the path differ; let them be the same.';
    return sendProblem(res, createProblem('change-refused', detail));
  }
  try {
    sendJson(res, 200, {}, await parts.definitions.define(body.value, bearerOf(exchange)));
  } catch (error) {
    if (!isSlackwaterError(error) || error.code !== 'operation-invalid' || !(error instanceof Error))
      throw error;
    sendProblem(res, createProblem('change-refused', error.message));
  }
}

/** `DELETE /operations/definitions/:name`: it is started no more; what began goes on. */
export async function deleteDefinition(exchange: Exchange): Promise<void> {
  const { parts, res, params } = exchange;
  if (parts.records === undefined || !hasScope(exchange, 'admin')) return sendNotFound(res);
  if (!(await parts.definitions.remove(params['name'] ?? ''))) return sendNotFound(res);
  sendEmpty(res, 204, {});
}
