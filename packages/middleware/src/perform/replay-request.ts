import { type ClientRequest, METHODS, request, validateHeaderName, validateHeaderValue } from 'node:http';
import type { Duplex } from 'node:stream';
import type { CapturedRequest } from '../ledger/deferral.ts';
import { neverReplayed } from './capturable-headers.ts';

/** Room for the headers of a request or an answer: more than any server in front lets through. */
export const maxHeaderBytes = 1024 * 1024;

/** Methods that an empty body is announced for, with a Content-Length of 0 (RFC 9110, section 8.6). */
const expectContent = new Set(['POST', 'PUT', 'PATCH']);

/**
 * Why a captured request must not be sent, or undefined. A record is authenticated, so that whatever is found
 * here was wrong when it was captured; sending it could make two requests of one.
 */
export function whyNotReplayable(captured: CapturedRequest): string | undefined {
  if (captured.method === 'CONNECT' || !METHODS.includes(captured.method)) {
    return `the method ${JSON.stringify(captured.method)} can't be replayed`;
  }
  if (!/^[\x21-\xff]+$/.test(captured.url)) return 'the URL holds characters that no URL has';
  for (const [name, value] of captured.headers) {
    if (neverReplayed.has(name.toLowerCase())) return `the header ${name} is never replayed`;
    if (!isValidHeader(name, value)) return `the header ${JSON.stringify(name)} is not valid`;
  }
  return undefined;
}

function isValidHeader(name: string, value: string): boolean {
  try {
    validateHeaderName(name);
    validateHeaderValue(name, value);
    return true;
  } catch {
    return false;
  }
}

/** Sends a captured request over a connection, whole, as the only request on it. */
export function sendCaptured(captured: CapturedRequest, clientEnd: Duplex): ClientRequest {
  const outgoing = request({
    method: captured.method,
    path: captured.url,
    createConnection: () => clientEnd,
    setHost: false,
    maxHeaderSize: maxHeaderBytes,
  });
  // The route must not see a header that the caller did not send.
  outgoing.removeHeader('connection');
  for (const [name, values] of groupByName(captured.headers)) outgoing.setHeader(name, values);
  if (captured.body.byteLength > 0 || expectContent.has(captured.method)) {
    outgoing.setHeader('content-length', captured.body.byteLength);
  } else {
    outgoing.removeHeader('transfer-encoding');
  }
  outgoing.end(captured.body);
  return outgoing;
}

function groupByName(headers: CapturedRequest['headers']): Map<string, string | string[]> {
  const grouped = new Map<string, string | string[]>();
  for (const [name, value] of headers) {
    const before = grouped.get(name);
    grouped.set(name, before === undefined ? value : [before, value].flat());
  }
  return grouped;
}
