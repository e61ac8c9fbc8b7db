import type { ServerResponse } from 'node:http';
import { createProblem, exposedHeaderNames, type Problem, problemContentType } from '@slackwater/shared';

/** The body of an answer and its media type. */
export interface AnswerBody {
  readonly contentType: string;
  readonly body: string | Uint8Array;
}

/**
 * Sends an answer of the gate's own, which no cache may keep. Nothing is sent where the response has begun or the
 * caller has gone. Where CORS headers are present already, those that callers need are exposed.
 */
export function sendAnswer(
  res: ServerResponse,
  status: number,
  headers: Readonly<Record<string, string | number>>,
  { contentType, body }: AnswerBody,
): void {
  if (res.headersSent || res.destroyed) return;
  res.statusCode = status;
  res.setHeader('Content-Type', contentType);
  res.setHeader('Cache-Control', 'no-store');
  for (const [name, value] of Object.entries(headers)) res.setHeader(name, value);
  exposeHeaders(res);
  res.setHeader('Content-Length', Buffer.byteLength(body));
  res.end(body);
}

/** The same without a body, for statuses that have none. */
export function sendEmpty(
  res: ServerResponse,
  status: number,
  headers: Readonly<Record<string, string | number>>,
): void {
  if (res.headersSent || res.destroyed) return;
  res.statusCode = status;
  res.setHeader('Cache-Control', 'no-store');
  for (const [name, value] of Object.entries(headers)) res.setHeader(name, value);
  exposeHeaders(res);
  res.end();
}

/** The same with a value as JSON. */
export function sendJson(
  res: ServerResponse,
  status: number,
  headers: Readonly<Record<string, string | number>>,
  value: unknown,
): void {
  sendAnswer(res, status, headers, {
    contentType: 'application/json; charset=utf-8',
    body: JSON.stringify(value),
  });
}

/** Sends a problem document (RFC 9457) with its own status. */
export function sendProblem(
  res: ServerResponse,
  problem: Problem,
  headers: Readonly<Record<string, string | number>> = {},
): void {
  sendAnswer(res, problem.status, headers, {
    contentType: problemContentType,
    body: JSON.stringify(problem),
  });
}

/** What everybody gets who may not see a thing, whether it exists or not. */
export function sendNotFound(res: ServerResponse): void {
  sendProblem(res, createProblem('not-found', 'There is nothing here, or not any more, or not for you.'));
}

/** Where CORS headers are present, lets scripts of another origin read those that callers need. */
export function exposeHeaders(res: ServerResponse): void {
  if (!res.hasHeader('Access-Control-Allow-Origin')) return;
  const before = res.getHeader('Access-Control-Expose-Headers');
  const names = before === undefined ? exposedHeaderNames : [String(before), ...exposedHeaderNames];
  res.setHeader('Access-Control-Expose-Headers', names.join(', '));
}
