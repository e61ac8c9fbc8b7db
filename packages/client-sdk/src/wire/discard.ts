import { isRecord } from './json-body.ts';

/** Lets go of a streamed body that nobody will read, so that its connection is free again. */
export function discard(body: unknown): void {
  if (!isRecord(body) || typeof body['pipe'] !== 'function') {
    if (typeof ReadableStream !== 'undefined' && body instanceof ReadableStream)
      body.cancel().catch(() => {});
    return;
  }
  const destroy = body['destroy'];
  if (typeof destroy === 'function') Reflect.apply(destroy, body, []);
}
