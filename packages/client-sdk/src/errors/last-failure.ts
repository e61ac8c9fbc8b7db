import { type Problem, parseProblem } from '@slackwater/shared';
import {
  AxiosError,
  AxiosHeaders,
  type AxiosResponse,
  type InternalAxiosRequestConfig,
  isAxiosError,
} from 'axios';

/** How an attempt failed. Both are made when they are asked for. */
export interface LastFailure {
  /** An AxiosError; of one that was waited after, without its request and with few of its answer's headers. */
  readonly error: unknown;
  /** The problem document of the answer, or of the last before it that had one. */
  readonly problem: Problem | undefined;
}

/** What can say what was sent. */
export interface Described {
  /** The call's config, made anew. */
  describe(): InternalAxiosRequestConfig<unknown>;
}

/** An attempt that failed: by an answer, or by an error of axios. */
export interface FailedAttempt {
  readonly config: InternalAxiosRequestConfig<unknown>;
  readonly response: AxiosResponse<unknown> | undefined;
  readonly error: unknown;
}

/** An answer as the error that axios makes of it. */
export function errorOfAnswer(
  config: InternalAxiosRequestConfig<unknown>,
  response: AxiosResponse<unknown>,
): AxiosError {
  const { status, request } = response;
  return new AxiosError(wordsFor(status), codeFor(status), config, request, response);
}

/** What axios says of a status that is an error. */
export function wordsFor(status: number): string {
  return `Request failed with status code ${status}`;
}

/** The code that axios has for it. */
export function codeFor(status: number): string {
  return status < 500 ? AxiosError.ERR_BAD_REQUEST : AxiosError.ERR_BAD_RESPONSE;
}

/** Longer bodies of refusals are not kept while a call waits. */
const longestBody = 4_096;
const keptHeaders = /^(retry-after|slackwater-.*|ratelimit.*|x-request-id|traceparent)$/i;

/**
 * What is kept of a failure while its call waits: its words, and of an answer its status, some headers and its problem document, as
 * text. What it came with, sockets and buffers and configs, is let go.
 */
export class KeptFailure implements LastFailure {
  readonly #message: string | undefined;
  readonly #code: string | undefined;
  readonly #status: number | undefined;
  readonly #headers: string;
  readonly #body: string | undefined;
  readonly #call: Described;
  readonly #before: Problem | undefined;

  constructor(
    { error, response }: FailedAttempt,
    problem: Problem | undefined,
    call: Described,
    before: Problem | undefined,
  ) {
    // Of an answer they can be made again.
    const isSilent = response === undefined;
    this.#message = isSilent && error instanceof Error ? error.message : undefined;
    this.#code = isSilent && isAxiosError(error) ? error.code : undefined;
    this.#status = response?.status;
    this.#headers = response === undefined ? '' : headerLines(response);
    this.#body = bodyText(response?.data, problem);
    this.#call = call;
    this.#before = problem === undefined ? before : undefined;
  }

  get error(): unknown {
    const config = this.#call.describe();
    const status = this.#status;
    if (status === undefined) return new AxiosError(this.#message, this.#code, config);
    const headers = AxiosHeaders.from(this.#headers);
    return errorOfAnswer(config, {
      status,
      statusText: '',
      headers,
      data: this.#body ?? '',
      config,
      request: undefined,
    });
  }

  get problem(): Problem | undefined {
    try {
      return this.#body === undefined ? this.#before : (parseProblem(JSON.parse(this.#body)) ?? this.#before);
    } catch {
      return this.#before;
    }
  }
}

function headerLines({ headers }: AxiosResponse<unknown>): string {
  const lines = Object.entries(headers ?? {}).filter(([name]) => keptHeaders.test(name));
  return lines.map(([name, value]) => `${name}: ${String(value)}`).join('\n');
}

function bodyText(data: unknown, problem: Problem | undefined): string | undefined {
  if (typeof data === 'string' && data.length <= longestBody) return data;
  return problem === undefined ? undefined : JSON.stringify(problem);
}
