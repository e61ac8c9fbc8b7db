import { type DeferralResource, isDeferralResource } from '@slackwater/shared';
import type { AxiosResponse } from 'axios';
import type { Runtime } from '../runtime.ts';
import { discard } from '../wire/discard.ts';
import { EventReader, piecesOf } from '../wire/event-stream.ts';
import { headerOf } from '../wire/headers.ts';
import { maxJsonBytes } from '../wire/json-body.ts';
import { describe, type Reading, readStatus } from './reading.ts';
import type { SendStatusRequest, StatusRequest } from './status-request.ts';

/** How a stream of events is followed. */
export interface Following {
  readonly send: SendStatusRequest;
  readonly request: StatusRequest;
  readonly runtime: Runtime;
  /** How long the stream may be silent: servers send comments in between. */
  readonly silenceMs: number;
  /** Told of each resource as it comes. What it throws ends the following. */
  readonly onResource: (resource: DeferralResource) => void;
}

/**
 * Asks for the deferral as a stream of events, and follows it to its end. Resolves with what its last event says. Where the server gives
 * the resource and no stream, that.
 */
export async function followStatus(following: Following): Promise<Reading> {
  const { send, request, runtime } = following;
  let streamed: AxiosResponse<unknown> | undefined;
  const sendOnce: SendStatusRequest = async () => {
    const response = await send({ ...request, asStream: true });
    if (isEventStream(response)) streamed = response;
    else response.data = await textOf(response.data);
    return response;
  };
  const reading = await readStatus(sendOnce, request, runtime.wallMs());
  return streamed === undefined ? reading : await followTo(streamed, following);
}

async function followTo(response: AxiosResponse<unknown>, following: Following): Promise<Reading> {
  const { request, runtime, silenceMs, onResource } = following;
  const body = response.data;
  const events = new EventReader();
  let last: DeferralResource | undefined;
  const end = (): void => discard(body);
  let cancel = runtime.setTimer(silenceMs, end);
  request.signal.addEventListener('abort', end);
  try {
    for await (const piece of piecesOf(body)) {
      cancel();
      cancel = runtime.setTimer(silenceMs, end);
      for (const { data } of events.read(piece)) {
        const resource = parsed(data);
        if (!isDeferralResource(resource)) continue;
        last = resource;
        onResource(resource);
      }
    }
  } catch (error) {
    if (!isBroken(error)) throw error;
    return { kind: 'unclear', trouble: describe(error), askedMs: events.retryMs };
  } finally {
    cancel();
    request.signal.removeEventListener('abort', end);
    end();
  }
  if (last === undefined)
    return { kind: 'unclear', trouble: 'the stream ended without an event', askedMs: events.retryMs };
  return { kind: 'resource', resource: last, askedMs: events.retryMs };
}

/** A stream breaks with errors of its platform; those of this client are about what it said. */
function isBroken(error: unknown): boolean {
  return !(error instanceof Error && 'attempts' in error);
}

function isEventStream(response: AxiosResponse<unknown>): boolean {
  return response.status === 200 && /^text\/event-stream\b/i.test(headerOf(response, 'Content-Type') ?? '');
}

async function textOf(body: unknown): Promise<unknown> {
  if (typeof body === 'string') return body;
  let text = '';
  for await (const piece of piecesOf(body)) {
    text += piece;
    if (text.length > maxJsonBytes) break;
  }
  discard(body);
  return text;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
