import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { ErrorCode } from '@slackwater/shared';
import type { Clock } from '../clock.ts';
import type { CapturedRequest, Deferral } from '../ledger/deferral.ts';
import { type RequestContext, requestContext } from '../request-context.ts';
import { type InnerConnection, openInnerConnection } from './inner-connection.ts';
import { type ReplayAnswer, readAnswer } from './replay-answer.ts';
import { markReplay, type ReplayInfo } from './replay-identity.ts';
import { maxHeaderBytes, sendCaptured, whyNotReplayable } from './replay-request.ts';
import { performThrough, type ReplayApp } from './through-app.ts';

/** One attempt at performing a deferral. */
export interface ReplayRequest {
  readonly deferral: Pick<
    Deferral,
    'id' | 'completionKey' | 'requester' | 'workType' | 'method' | 'route' | 'partition' | 'parent'
  >;
  /** From 1. */
  readonly attempt: number;
  readonly request: CapturedRequest;
  /** What the drivers see for as long as the handler runs, and after. */
  readonly context: RequestContext;
  readonly timeoutMs: number;
  readonly maxOutcomeBytes: number;
  /** Aborted where the attempt must stop: its connection is closed. */
  readonly signal: AbortSignal;
}

/** What became of an attempt. */
export type ReplayResult =
  | ReplayAnswer
  /** No route took the request; nothing was answered. */
  | { readonly kind: 'route-missing' }
  | { readonly kind: 'timed-out' }
  | { readonly kind: 'aborted' }
  /** Its handler started a run of an operation, which goes on: the answer comes from that. */
  | { readonly kind: 'left-to-run' }
  /** It must not be tried like this: an error that another attempt would meet again. */
  | { readonly kind: 'refused'; readonly error: Refusal };

/** Why an attempt must not be tried like this. */
export interface Refusal {
  readonly code: ErrorCode;
  readonly message: string;
}

/** Sends a captured request through the application. Never rejects. */
export type Replay = (request: ReplayRequest) => Promise<ReplayResult>;

export interface ReplayOptions {
  /** The application the gate was mounted on, once it is known. Replays go through its outermost parent. */
  readonly app: () => ReplayApp | undefined;
  readonly clock: Clock;
  /** See {@link ReplayInfo}; default: undefined. */
  readonly performedFor?: object;
  /** Told of errors that no error handler of the application took; Express would have printed them. */
  readonly onRouteError?: (error: unknown, deferralId: string) => void;
}

interface Running {
  readonly id: string;
  readonly context: RequestContext;
  /** Undefined until the request has arrived. */
  response: ServerResponse | undefined;
  /** The first result counts. */
  readonly finish: (result: ReplayResult) => void;
}

/**
 * Makes the function that performs deferrals through an Express application: over a connection in memory,
 * by the application's own parsers, middleware and handlers, so that they see an ordinary request from the
 * original address. The server behind it never listens.
 */
export function createReplay(options: ReplayOptions): Replay {
  const running = new WeakMap<object, Running>();
  const server = createServer(
    { maxHeaderSize: maxHeaderBytes, requireHostHeader: false, requestTimeout: 0, headersTimeout: 0 },
    (req, res) => {
      const attempt = running.get(req.socket);
      if (attempt === undefined) req.socket.destroy();
      else receive(options, attempt, req, res);
    },
  );
  server.maxHeadersCount = 0;
  // Not an answer of the route's: the parser did not take the request. Also said of a connection that was ended.
  server.on('clientError', (error, socket) => {
    running.get(socket)?.finish(refusedAsCorrupt(error.message));
    socket.destroy();
  });
  return (request) => {
    const reason = whyNotReplayable(request.request);
    if (reason !== undefined) return Promise.resolve(refusedAsCorrupt(reason));
    if (request.signal.aborted) return Promise.resolve({ kind: 'aborted' });
    return requestContext.run(request.context, () => replayOnce(options, server, running, request));
  };
}

/** The server's side of an attempt: the request has arrived. */
function receive(options: ReplayOptions, attempt: Running, req: IncomingMessage, res: ServerResponse): void {
  attempt.response = res;
  const unanswered = {
    routeMissing: () => attempt.finish({ kind: 'route-missing' }),
    refused: (error: Refusal) => attempt.finish({ kind: 'refused', error }),
    routeError: (error: unknown) => options.onRouteError?.(error, attempt.id),
  };
  requestContext.run(attempt.context, () => performThrough(options.app(), req, res, unanswered));
}

/** The caller's side of an attempt. */
function replayOnce(
  { clock, performedFor }: ReplayOptions,
  server: Server,
  running: WeakMap<object, Running>,
  request: ReplayRequest,
): Promise<ReplayResult> {
  return new Promise((resolve) => {
    const { remoteAddress, secure } = request.request;
    const connection = openInnerConnection({ remoteAddress, secure: secure === true });
    const abort = (): void => attempt.finish({ kind: 'aborted' });
    const timer = clock.after(request.timeoutMs, () => attempt.finish({ kind: 'timed-out' }));
    const attempt: Running = {
      id: request.deferral.id,
      context: request.context,
      response: undefined,
      finish(result) {
        timer.cancel();
        request.signal.removeEventListener('abort', abort);
        endConnection(connection, result, attempt.response);
        resolve(result);
      },
    };
    request.signal.addEventListener('abort', abort, { once: true });
    running.set(connection.serverEnd, attempt);
    markReplay(connection.serverEnd, identify(request, attempt, performedFor));
    // A route that destroys its socket tells the other end nothing.
    connection.serverEnd.once('close', () => {
      if (attempt.response?.writableFinished !== true) attempt.finish(broken('its connection was closed'));
    });
    server.emit('connection', connection.serverEnd);
    try {
      const outgoing = sendCaptured(request.request, connection.clientEnd);
      outgoing.on('error', (error) => attempt.finish(broken(error.message)));
      outgoing.on('response', (incoming) => readAnswer(incoming, request.maxOutcomeBytes, attempt.finish));
    } catch (error) {
      attempt.finish(refusedAsCorrupt(error instanceof Error ? error.message : String(error)));
    }
  });
}

function identify(request: ReplayRequest, attempt: Running, performedFor: object | undefined): ReplayInfo {
  const { id, completionKey, requester, workType } = request.deferral;
  return {
    id,
    attempt: request.attempt,
    completionKey,
    requester,
    workType,
    identity: request.request.identity,
    performedFor,
    refuse: (error) => attempt.finish({ kind: 'refused', error }),
  };
}

function refusedAsCorrupt(reason: string): ReplayResult {
  const message = `The recorded request is refused: ${reason}.`;
  return { kind: 'refused', error: { code: 'record-corrupt', message } };
}

function broken(message: string): ReplayResult {
  return { kind: 'broken', message: `no whole answer came: ${message}` };
}

/** After a whole answer the server's side gets to see its response finished, as on any connection. */
function endConnection(
  connection: InnerConnection,
  result: ReplayResult,
  response: ServerResponse | undefined,
): void {
  const whole = result.kind === 'answered' || result.kind === 'answered-too-large';
  if (whole && response !== undefined && !response.closed) response.once('close', () => connection.destroy());
  else connection.destroy();
}
