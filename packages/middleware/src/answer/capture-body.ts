import type { IncomingMessage } from 'node:http';
import type { ReasonCode } from '@slackwater/shared';

/** A request's body as it will be replayed. */
export type CapturedBody =
  | {
      readonly kind: 'captured';
      readonly body: Uint8Array;
      /** It was made anew from what a parser left of it: headers about its bytes hold no more. */
      readonly encodedAnew: boolean;
    }
  | { readonly kind: 'refused'; readonly reason: BodyReason }
  /** The caller left before it was whole. Nobody waits for an answer. */
  | { readonly kind: 'gone' };

type BodyReason = Extract<ReasonCode, 'body-too-large' | 'body-not-capturable'>;

/** A request, and what a body parser may have made of it. */
export type ParsedRequest = IncomingMessage & { readonly body?: unknown };

const empty = Buffer.alloc(0);

/**
 * Takes the body: from the connection, if nobody has read it yet, else from what a parser of JSON or forms left in
 * `req.body`. Never rejects.
 */
export function captureBody(req: ParsedRequest, maxBodyBytes: number): Promise<CapturedBody> {
  if (!hasBody(req)) return Promise.resolve(captured(empty, false));
  if (Number(req.headers['content-length'] ?? 0) > maxBodyBytes) return refused('body-too-large');
  if (!isRead(req)) return req.destroyed ? Promise.resolve({ kind: 'gone' }) : readBody(req, maxBodyBytes);
  const body = encodeAnew(req);
  if (body === undefined) return refused('body-not-capturable');
  return body.length > maxBodyBytes ? refused('body-too-large') : Promise.resolve(captured(body, true));
}

function hasBody({ headers }: IncomingMessage): boolean {
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) !== 0;
}

/**
 * Whether somebody has read from it, or is about to: what is gone from the stream can't be had again. That there is a
 * `req.body` says nothing, for parsers leave an empty one of what they don't read.
 */
function isRead(req: ParsedRequest): boolean {
  return req.readableDidRead || req.readableFlowing === true || req.readableEnded;
}

function readBody(req: IncomingMessage, maxBodyBytes: number): Promise<CapturedBody> {
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    let length = 0;

    function settle(result: CapturedBody): void {
      req.off('data', onData).off('end', onEnd).off('close', onClose).off('error', onClose);
      resolve(result);
    }
    function onData(chunk: Buffer | string): void {
      const bytes = typeof chunk === 'string' ? Buffer.from(chunk) : chunk;
      length += bytes.length;
      if (length <= maxBodyBytes) {
        chunks.push(bytes);
        return;
      }
      // The rest flows away unread, so that the answer finds its way.
      settle({ kind: 'refused', reason: 'body-too-large' });
      req.resume();
    }
    function onEnd(): void {
      settle(req.complete ? captured(Buffer.concat(chunks, length), false) : { kind: 'gone' });
    }
    function onClose(): void {
      settle({ kind: 'gone' });
    }

    // Errors after the end must not be without a listener.
    req.on('error', () => {});
    req.on('data', onData).on('end', onEnd).on('close', onClose).on('error', onClose);
  });
}

/** What a parser of JSON or of forms would read as the same `req.body`. */
function encodeAnew({ body, headers }: ParsedRequest): Uint8Array | undefined {
  // What other parsers left says it in their own way: a text that is JSON, or bytes.
  if (!isObject(body) || ArrayBuffer.isView(body)) return undefined;
  const [type = '', ...parameters] = (headers['content-type'] ?? '').toLowerCase().split(';');
  // It would be written in another one than its Content-Type says.
  if (parameters.some((one) => /^\s*charset=/.test(one) && !/^\s*charset="?utf-?8"?\s*$/.test(one))) {
    return undefined;
  }
  try {
    if (/^application\/(?:[\w.+-]+\+)?json$/.test(type.trim())) {
      return Buffer.from(JSON.stringify(body), 'utf8');
    }
    if (type.trim() === 'application/x-www-form-urlencoded') {
      return Buffer.from(new URLSearchParams(formPairs(body)).toString(), 'utf8');
    }
  } catch {
    // What can't be written as text can't be captured.
  }
  return undefined;
}

/** Names in the brackets that both of Express's form parsers know, or just the extended one where values are nested. */
function formPairs(value: unknown, name?: string): [string, string][] {
  if (Array.isArray(value)) {
    if (value.every((item) => typeof item === 'string')) return value.map((item) => [name ?? '', item]);
    return value.flatMap((item, index) => formPairs(item, `${name ?? ''}[${index}]`));
  }
  if (isObject(value)) {
    return Object.entries(value).flatMap(([key, item]) =>
      formPairs(item, name === undefined ? key : `${name}[${key}]`),
    );
  }
  return [[name ?? '', String(value)]];
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}

function captured(body: Uint8Array, encodedAnew: boolean): CapturedBody {
  return { kind: 'captured', body, encodedAnew };
}

function refused(reason: BodyReason): Promise<CapturedBody> {
  return Promise.resolve({ kind: 'refused', reason });
}
