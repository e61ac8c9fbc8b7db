import { ParameterRefusedError } from '../errors/trust.ts';
import { isRecord } from '../wire/json-body.ts';

/** All that is needed to go on waiting for a deferral. */
export interface ResumeToken {
  readonly id: string;
  /** Absolute, with its capability if it has one. */
  readonly statusUrl: string;
  /** Absolute; undefined where the status resource has yet to say it. */
  readonly outcomeUrl: string | undefined;
  /** The request's method, upper case, where it is known. */
  readonly method: string | undefined;
}

/** The text form of a token: one line of JSON. */
export function formatResumeToken(token: ResumeToken): string {
  return JSON.stringify({ v: 1, ...token });
}

/** @throws ParameterRefusedError; its message never contains the text, which may hold a capability. */
export function parseResumeToken(text: string): ResumeToken {
  const value = parse(text);
  if (!isRecord(value) || value['v'] !== 1) throw malformed();
  const { id, statusUrl, outcomeUrl, method } = value;
  if (typeof id !== 'string' || typeof statusUrl !== 'string' || !URL.canParse(statusUrl)) throw malformed();
  return {
    id,
    statusUrl,
    outcomeUrl: typeof outcomeUrl === 'string' && URL.canParse(outcomeUrl) ? outcomeUrl : undefined,
    method: typeof method === 'string' ? method : undefined,
  };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function malformed(): ParameterRefusedError {
  return new ParameterRefusedError(
    'Not a deferral: give its id, its status URL, or what toString() of its poller gave.',
  );
}
