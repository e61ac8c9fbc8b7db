import { createProblem } from '@slackwater/shared';
import { sendJson, sendNotFound, sendProblem } from '../send.ts';
import { bearerOf, hasScope } from './access.ts';
import type { Records } from './contract.ts';
import type { Exchange } from './exchange.ts';
import { readJsonBody } from './read-json-body.ts';

const mostPartitionCharacters = 200;

/** `GET /queues`: what waits in each group, and what is paused. */
export async function getQueues(exchange: Exchange): Promise<void> {
  const { parts, res } = exchange;
  if (!hasScope(exchange, 'audit:read', 'admin')) return sendNotFound(res);
  const queues = await Promise.all((parts.records ?? []).map(({ queue }) => queue.view()));
  sendJson(res, 200, {}, { queues });
}

/** `PUT /queues/:group` and `PUT /queues/:group/partitions/:partition` with `{"paused": true}` or `false`. */
export async function putQueue(exchange: Exchange): Promise<void> {
  const { res, params } = exchange;
  const records = administered(exchange);
  if (records === undefined) return sendNotFound(res);
  const body = await readJsonBody(exchange);
  if (body.kind === 'gone') return;
  if (body.kind === 'fault') {
    // What is left of it is not waited for.
    const headers = body.closes ? { Connection: 'close' } : {};
    return sendProblem(res, createProblem('parameter-invalid', body.detail), headers);
  }
  const paused = pausedIn(body.value);
  if (paused === undefined) {
    return sendProblem(res, createProblem('change-refused', 'Send {"paused": true} or {"paused": false}.'));
  }
  await records.queue.setPaused(params['partition'], paused, bearerOf(exchange));
  sendJson(res, 200, {}, await records.queue.view());
}

/** `POST /queues/:group/drain` and `POST /queues/:group/partitions/:partition/drain`: this host tries at once what waits. */
export async function drainQueue(exchange: Exchange): Promise<void> {
  const { res, params } = exchange;
  const records = administered(exchange);
  if (records === undefined) return sendNotFound(res);
  await records.queue.drain(params['partition']);
  sendJson(res, 202, {}, await records.queue.view());
}

/** The group in the path, where its caller may look after it and the partition may be one. */
function administered(exchange: Exchange): Records | undefined {
  const { group, partition = '' } = exchange.params;
  if (!hasScope(exchange, 'admin') || partition.length > mostPartitionCharacters) return undefined;
  return exchange.parts.records?.find(({ home }) => home.group === group);
}

function pausedIn(value: unknown): boolean | undefined {
  if (typeof value !== 'object' || value === null || Object.keys(value).join() !== 'paused') return undefined;
  const { paused } = value as { readonly paused?: unknown };
  return typeof paused === 'boolean' ? paused : undefined;
}
