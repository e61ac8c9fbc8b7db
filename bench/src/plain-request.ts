import { EventEmitter } from 'node:events';
import type { Request, Response } from 'express';

/**
 * A request as far as the gate looks at one that it lets through: without a socket, without a parser. Its URL is a text of its own, as
 * one that was read from a connection: nothing is known of it yet that the next one could profit from.
 */
export function plainRequest(path = '/orders'): Request {
  const url = Buffer.from(path, 'latin1').toString('latin1');
  return {
    method: 'POST',
    url,
    originalUrl: url,
    baseUrl: '',
    headers: {},
    socket: {},
    app: undefined,
    params: {},
  } as unknown as Request;
}

/** Its answer: emits `close` when {@link endOf} is called. */
export function plainResponse(): Response {
  return Object.assign(new EventEmitter(), {
    statusCode: 201,
    headersSent: false,
    writableFinished: true,
    destroyed: false,
  }) as unknown as Response;
}

export function endOf(res: Response): void {
  res.emit('close');
}
