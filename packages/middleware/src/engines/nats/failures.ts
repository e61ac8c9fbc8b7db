import { EngineError } from '../engine-error.ts';

// What servers and client answer, as engine errors. Codes of the server: nats-server, server/errors.json.

/** The server's word for a compare-and-set that lost. */
const wrongLastSequence = [10071, 10158, 10164];
/** No room: of the account, the server or the stream. */
const noRoom = new Set([10002, 10023, 10028, 10047, 10077, 10110, 10122]);
const tooLarge = new Set([10054, 10097]);

interface Told {
  readonly name: string;
  readonly message: string;
  readonly code?: unknown;
  readonly operation?: unknown;
  readonly subject?: unknown;
}

/** True where somebody else wrote the subject first. */
export function isConflict(error: unknown): boolean {
  return wrongLastSequence.includes(Number(told(error).code));
}

/** True where the server says that there is no such stream. */
export function isNoStream(error: unknown): boolean {
  return told(error).name === 'StreamNotFoundError' || Number(told(error).code) === 10059;
}

/** True where no server answered in time. */
export function isUnanswered(error: unknown): boolean {
  return told(error).name === 'TimeoutError';
}

/**
 * An engine's error for what the client threw while `doing`. `writes` says whether the call may have changed something:
 * then an answer that was lost leaves its fate unknown.
 */
export function failureOf(error: unknown, doing: string, writes: boolean): EngineError {
  if (error instanceof EngineError) return error;
  const { name, message, code, operation, subject } = told(error);
  const make = (kind: EngineError['code'], fate: 'none' | 'unknown', text: string): EngineError =>
    new EngineError(kind, fate, `${doing}: ${text}`, { cause: error });
  switch (name) {
    case 'TimeoutError':
      return make(
        'engine-unavailable',
        writes ? 'unknown' : 'none',
        'the NATS server did not answer in time.',
      );
    case 'NoResponders':
    case 'NoRespondersError':
    case 'JetStreamNotEnabled':
      return make(
        'engine-unavailable',
        'none',
        'no NATS server leads the stream at the moment, or JetStream is off.',
      );
    case 'PermissionViolationError':
      return make(
        'engine-unavailable',
        'none',
        `the NATS user has no permission to ${String(operation)} ${JSON.stringify(subject)}; docs/engines.md lists what it needs.`,
      );
    case 'RequestError':
      return failureOf((error as Error).cause ?? new Error(message), doing, writes);
    case 'ClosedConnectionError':
    case 'DrainingConnectionError':
      return make('engine-unavailable', writes ? 'unknown' : 'none', 'the connection to NATS was closed.');
    default:
      return byCode(Number(code), message, make, writes);
  }
}

function byCode(
  code: number,
  message: string,
  make: (kind: EngineError['code'], fate: 'none' | 'unknown', text: string) => EngineError,
  writes: boolean,
): EngineError {
  if (noRoom.has(code)) {
    return make(
      'engine-full',
      'none',
      `NATS has no room (${message}); raise the limit of the stream or of the account.`,
    );
  }
  if (tooLarge.has(code)) {
    return make(
      'engine-full',
      'none',
      `NATS takes no message so large (${message}); raise max_payload or max_msg_size.`,
    );
  }
  if (code === 10059) {
    return make(
      'engine-unavailable',
      'none',
      'the stream is gone; somebody deleted it. Restore it from its backup.',
    );
  }
  // An answer of the server with a code is a refusal; anything else may have come after the write.
  const refused = Number.isFinite(code) && code >= 10000;
  return make('engine-unavailable', writes && !refused ? 'unknown' : 'none', `NATS answered: ${message}`);
}

function told(error: unknown): Told {
  if (typeof error === 'object' && error !== null) return error as Told;
  return { name: '', message: String(error) };
}

/** A message that must be there is not, or its number was given a second time. */
export function streamReplaced(stream: string, seq: number): EngineError {
  return new EngineError(
    'engine-corrupt',
    'unknown',
    `The stream ${stream} no longer has message ${seq}, or gave its number again: it was purged, or replaced by an older one. Restore the newest backup.`,
  );
}

/** A message was acknowledged and is not where it must be. */
export function notShown(stream: string, seq: number): EngineError {
  return new EngineError(
    'engine-unavailable',
    'unknown',
    `Message ${seq} was written to ${stream} and is not shown.`,
  );
}
