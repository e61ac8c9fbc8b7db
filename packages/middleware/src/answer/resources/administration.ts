import { createProblem } from '@slackwater/shared';
import { sendJson, sendNotFound, sendProblem } from '../send.ts';
import { hasScope } from './access.ts';
import type { Exchange } from './exchange.ts';
import { readJsonBody } from './read-json-body.ts';
import { parseThreshold } from './threshold.ts';

/** `GET /partitions`: the latency table. */
export async function getPartitions(exchange: Exchange): Promise<void> {
  const { parts, res } = exchange;
  if (!hasScope(exchange, 'audit:read', 'admin')) return sendNotFound(res);
  sendJson(res, 200, {}, { partitions: parts.partitions() });
}

/** `GET /work-types/:name`. */
export async function getWorkType(exchange: Exchange): Promise<void> {
  const { parts, params, res } = exchange;
  if (!hasScope(exchange, 'audit:read', 'admin')) return sendNotFound(res);
  const workType = parts.workTypes.find(params['name'] ?? '');
  if (workType === undefined) return sendNotFound(res);
  sendJson(res, 200, {}, workType);
}

/** `PUT /work-types/:name` with `{"thresholdMs": n}`: changes the threshold while running. */
export async function putWorkType(exchange: Exchange): Promise<void> {
  const { parts, params, res } = exchange;
  const name = params['name'] ?? '';
  if (!hasScope(exchange, 'admin')) return sendNotFound(res);
  const workType = parts.workTypes.find(name);
  if (workType === undefined) return sendNotFound(res);
  const body = await readJsonBody(exchange);
  if (body.kind === 'gone') return;
  if (body.kind === 'fault') return refuse(exchange, body.detail, body.closes);
  const threshold = parseThreshold(body.value);
  if (threshold.kind === 'fault') return refuse(exchange, threshold.detail);
  if (workType.exempt) {
    return refuse(
      exchange,
      `${name} is exempt and never postponed, so it has no threshold; it can't be given one.`,
    );
  }
  const refused = parts.workTypes.setThreshold(name, threshold.thresholdMs);
  if (refused !== undefined) return refuse(exchange, refused);
  sendJson(res, 200, {}, parts.workTypes.find(name));
}

/** `closes`: what is left of the body is not waited for. */
function refuse({ res }: Exchange, detail: string, closes = false): void {
  sendProblem(res, createProblem('parameter-invalid', detail), closes ? { Connection: 'close' } : {});
}
