import type { AxiosResponse } from 'axios';

/** Far more than a problem document or a deferral resource needs. */
export const maxJsonBytes = 1_048_576;

/**
 * A response's body as JSON, in whatever form the adapter left it; undefined for a stream, for anything but
 * JSON, and for more than 1 MiB.
 */
export async function jsonBodyOf(response: Pick<AxiosResponse<unknown>, 'data'>): Promise<unknown> {
  const body = response.data;
  if (typeof body === 'string') return parse(body);
  if (body instanceof ArrayBuffer) return parseBytes(new Uint8Array(body));
  if (ArrayBuffer.isView(body))
    return parseBytes(new Uint8Array(body.buffer, body.byteOffset, body.byteLength));
  if (typeof Blob !== 'undefined' && body instanceof Blob) {
    return body.size > maxJsonBytes ? undefined : parse(await body.text());
  }
  // Adapters of test doubles and caches answer with values that are parsed already.
  if (isRecord(body) && (Object.getPrototypeOf(body) === Object.prototype || Array.isArray(body)))
    return body;
  return undefined;
}

/** Whether a value is an object with members. */
export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null;
}

function parseBytes(bytes: Uint8Array): unknown {
  return bytes.byteLength > maxJsonBytes ? undefined : parse(new TextDecoder().decode(bytes));
}

function parse(text: string): unknown {
  if (text.length > maxJsonBytes) return undefined;
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
