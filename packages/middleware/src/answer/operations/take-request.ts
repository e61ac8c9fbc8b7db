import { createProblem, type Problem } from '@slackwater/shared';
import type { Request } from 'express';
import type { CapturedRequest } from '../../ledger/deferral.ts';
import { captureBody } from '../capture-body.ts';
import { aboutBytes, jsonOf } from '../defer.ts';
import type { PassedRequest } from '../parts/contract.ts';
import type { OperationDesk } from './contract.ts';

/** A request as it is recorded where it is answered before its operation has ended. */
export type TakenRequest =
  | { readonly kind: 'taken'; readonly request: CapturedRequest }
  | { readonly kind: 'refused'; readonly problem: Problem }
  | { readonly kind: 'gone' };

/**
 * Takes a request before anything is begun for it: what can't be recorded starts nothing. Where nobody has read its body, `req.body` is the JSON that it is.
 * It keeps no identity, for it is never performed again.
 */
export async function takeRequest(
  { keep }: Pick<OperationDesk, 'keep'>,
  { means }: PassedRequest,
  req: Request,
): Promise<TakenRequest> {
  const taken = await captureBody(req, means.options.maxBodyBytes);
  if (taken.kind === 'gone') return taken;
  if (taken.kind === 'refused') {
    const why =
      taken.reason === 'body-too-large'
        ? `it has more than ${means.options.maxBodyBytes} bytes`
        : 'something before the route read it, and left neither JSON nor a form of it';
    return {
      kind: 'refused',
      problem: createProblem('request-invalid', `The body can not be recorded: ${why}.`),
    };
  }
  const { body, encodedAnew } = taken;
  if (!encodedAnew && body.length > 0) req.body = jsonOf(req, body) ?? req.body;
  return {
    kind: 'taken',
    request: {
      method: req.method,
      url: req.originalUrl,
      headers: keep(req).filter(([name]) => !(encodedAnew && aboutBytes.has(name))),
      body,
      remoteAddress: req.socket.remoteAddress,
      secure: 'encrypted' in req.socket,
      identity: undefined,
    },
  };
}
