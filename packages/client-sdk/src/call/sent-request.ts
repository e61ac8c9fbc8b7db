import type { RecordedRequest } from '@slackwater/shared';
import { AxiosHeaders, type InternalAxiosRequestConfig } from 'axios';
import { methodOf } from './method.ts';

/**
 * What a server must have seen of a request, as its digest covers it. Several where adapters differ in what they send; empty where nobody can
 * say what was sent: streams, forms, bodies that the platform puts together.
 */
export function sentRequests(
  config: InternalAxiosRequestConfig<unknown>,
  url: URL,
): readonly RecordedRequest[] {
  const body = bytesOf(config.data);
  if (body === undefined) return [];
  const type = AxiosHeaders.from(config.headers).getContentType();
  const contentType = typeof type === 'string' ? type : undefined;
  const request = { method: methodOf(config), url: url.pathname + url.search, contentType, body };
  // Not every adapter sends the type of a body that there is not.
  return body.length > 0 ? [request] : [request, { ...request, contentType: undefined }];
}

function bytesOf(data: unknown): Uint8Array | undefined {
  if (data === undefined || data === null) return new Uint8Array();
  if (typeof data === 'string') return new TextEncoder().encode(data);
  if (data instanceof ArrayBuffer) return new Uint8Array(data);
  if (ArrayBuffer.isView(data)) return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  return undefined;
}
