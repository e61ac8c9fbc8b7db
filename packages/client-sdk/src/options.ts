import type { ProgressListener } from './deferral/listeners.ts';
import { OptionInvalidError, OptionUnknownError, VerifierKeyShapeError } from './errors/set-up.ts';
import { memoryStore, type ReceiptStore } from './proof/store.ts';
import type { Credentials } from './retry/credentials.ts';
import type { RetryReason } from './retry/decide.ts';
import { longestTimerMs, type Runtime, systemRuntime } from './runtime.ts';
import type { ClientLog } from './telemetry.ts';

/** What is told about a retry, when it is sent. */
export interface RetryNotice {
  /** 1 for the first repetition. */
  readonly retry: number;
  readonly reason: RetryReason;
  /** How long was waited before it. */
  readonly waitedMs: number;
  /** The answer that led to it; undefined where none came. */
  readonly status: number | undefined;
}

/**
 * What is told about a deferral, once, when the server has accepted it and its receipt has been checked (where a stream was asked for,
 * before it is checked).
 */
export interface DeferralNotice {
  /** ULID. */
  readonly id: string;
  /** What `client.deferral(...)` takes. It carries the capability: keep it like a password. */
  readonly resume: string;
}

/** Options that may also be given for one call, as `slackwater` in its axios config. */
export interface CallOptions {
  /**
   * How long a call may take in all, its retries and its deferral included. A wait that would pass it is not
   * begun: the call fails with `deadline-exceeded` at once. Default 120,000; Infinity for none.
   */
  readonly deadlineMs?: number;
  /** The limit of one attempt, used where the axios config has no `timeout`. Default 30,000. */
  readonly attemptTimeoutMs?: number;
  /**
   * Retries that the server did not ask for by Retry-After: after network errors and bare 502, 503, 504.
   * Default 10. Retries that it asked for are limited by the deadline only.
   */
  readonly maxRetries?: number;
  /**
   * Whether unsafe methods say `Prefer: respond-async`, which allows the server to defer them. Default true.
   * Without it the server answers retry later instead.
   */
  readonly preferAsync?: boolean;
  /**
   * Whether the routes called are known to do a request with an Idempotency-Key once, as deferrable routes
   * behind Slackwater do. Then POST and PATCH are repeated also when their answer was lost. Default false.
   */
  readonly serverKeepsKeys?: boolean;
  /**
   * What calls like this one have in common, such as `POST /payments/:id/settle`: what the server says of one of them, the others go by
   * (`circuitBreaker`). Default none; then it is the path without its query.
   */
  readonly route?: string;
  /**
   * Gives headers with credentials for every attempt and every status request, so that what expires in a long wait is renewed; asked once more, and the
   * request sent once more, where they are refused by a 401. Default none; then those of the call go everywhere.
   */
  readonly credentials?: Credentials;
  /** Called with a line for a log of each attempt, wait, poll and verification, and where receipts could not be kept. */
  readonly onLog?: ClientLog;
  /** Called when a retry is sent, once for each. */
  readonly onRetry?: (notice: RetryNotice) => void;
  /** Called with the deferral resource when it is first seen, and at each change that is seen of it. */
  readonly onProgress?: ProgressListener;
  /**
   * Called when a success that the server told ahead of the work has come to nothing and what was done of it is undone. Where it is given, the
   * client follows such deferrals until they are over, without a deadline; the call itself is over before.
   */
  readonly onReversed?: ProgressListener;
  /** Called when the server has deferred the request. */
  readonly onDeferred?: (notice: DeferralNotice) => void;
}

/** Options of a client. */
export interface ClientOptions extends CallOptions {
  /** Keys whose receipts are believed, as C2SP verifier keys. Without any, a receipt's structure alone is checked. */
  readonly verifierKeys?: readonly string[];
  /**
   * Whether the digest in the ledger must be that of the request as it was sent, where there are verifier keys: `check`, or `ignore` where
   * something on the way rewrites paths or bodies. Default `check`.
   */
  readonly requestDigest?: 'check' | 'ignore';
  /** Where receipts and signed heads are kept, for `client.audit.verify`. Default `memoryStore()`, as long as the process lives. */
  readonly receipts?: ReceiptStore;
  /** Origins besides the request's own that a status URL may have. Default none. */
  readonly allowedOrigins?: readonly string[];
  /** Where the gate serves its resources, resolved against `baseURL`. Default `/slackwater`. */
  readonly basePath?: string;
  /** The longest wait that a server may ask for. Default 30,000. */
  readonly retryAfterCapMs?: number;
  /** Upper bound of the first back-off. Default 200. */
  readonly backoffBaseMs?: number;
  /** Upper bound of every back-off. Default 10,000. */
  readonly backoffMaxMs?: number;
  /** How long a status request may be held open by the server (`Prefer: wait`). Default 20,000; 0 for plain polling. */
  readonly pollWaitMs?: number;
  /**
   * Unasked retries that all calls of this client may spend before new ones earn them: a fifth of a retry per call and two per
   * second. Default 100.
   */
  readonly retryBudget?: number;
  /**
   * Whether calls stand in line for a partition and work type that the server has just refused to others of this client: until the time that
   * it gave, then one of them, then the rest as answers come. Default true.
   */
  readonly circuitBreaker?: boolean;
  /** Time and chance: `fakeClock()` of `@slackwater/client-sdk/testing` in tests. Default `systemRuntime`, those of the platform. */
  readonly runtime?: Runtime;
}

type Optional = 'route' | 'credentials' | 'onLog' | 'onRetry' | 'onProgress' | 'onReversed' | 'onDeferred';

/** Options with every default filled in. */
export type ResolvedOptions = Required<Omit<ClientOptions, Optional>> & Pick<ClientOptions, Optional>;

const callDefaults = {
  deadlineMs: 120_000,
  attemptTimeoutMs: 30_000,
  maxRetries: 10,
  preferAsync: true,
  serverKeepsKeys: false,
} as const satisfies CallOptions;

const clientDefaults = {
  ...callDefaults,
  verifierKeys: [],
  requestDigest: 'check',
  allowedOrigins: [],
  basePath: '/slackwater',
  retryAfterCapMs: 30_000,
  backoffBaseMs: 200,
  backoffMaxMs: 10_000,
  pollWaitMs: 20_000,
  retryBudget: 100,
  circuitBreaker: true,
  runtime: systemRuntime,
} as const satisfies Omit<ClientOptions, 'receipts'>;

type Check = (value: unknown) => string | undefined;

const milliseconds =
  (least: number, most: number): Check =>
  (value) =>
    typeof value === 'number' && value >= least && value <= most
      ? undefined
      : `give a number of milliseconds from ${least} to ${most}`;
const count: Check = (value) =>
  typeof value === 'number' && value >= 0 && (value === Infinity || Number.isInteger(value))
    ? undefined
    : 'give an integer of 0 or more';
const flag: Check = (value) => (typeof value === 'boolean' ? undefined : 'give true or false');
const callback: Check = (value) => (typeof value === 'function' ? undefined : 'give a function');
const texts: Check = (value) =>
  Array.isArray(value) && value.every((item) => typeof item === 'string')
    ? undefined
    : 'give a list of strings';

const callChecks: Readonly<Record<string, Check>> = {
  deadlineMs: (value) => (value === Infinity ? undefined : milliseconds(1, longestTimerMs)(value)),
  attemptTimeoutMs: milliseconds(1, longestTimerMs),
  maxRetries: count,
  preferAsync: flag,
  serverKeepsKeys: flag,
  route: (value) =>
    typeof value === 'string' && value !== '' ? undefined : 'give a text such as "POST /orders"',
  credentials: callback,
  onLog: callback,
  onRetry: callback,
  onProgress: callback,
  onReversed: callback,
  onDeferred: callback,
};

const clientChecks: Readonly<Record<string, Check>> = {
  ...callChecks,
  verifierKeys: texts,
  requestDigest: (value) =>
    value === 'check' || value === 'ignore' ? undefined : 'give "check" or "ignore"',
  receipts: (value) =>
    typeof value === 'object' && value !== null && 'get' in value && 'set' in value
      ? undefined
      : 'give a store with get and set',
  allowedOrigins: (value) =>
    texts(value) ??
    (asTexts(value).every(isOrigin) ? undefined : 'give origins such as "https://example.org"'),
  basePath: (value) =>
    typeof value === 'string' && value.startsWith('/') ? undefined : 'give a path that starts with /',
  retryAfterCapMs: milliseconds(0, 86_400_000),
  backoffBaseMs: milliseconds(1, 86_400_000),
  backoffMaxMs: milliseconds(1, 86_400_000),
  pollWaitMs: milliseconds(0, 3_600_000),
  retryBudget: count,
  circuitBreaker: flag,
  runtime: (value) => (typeof value === 'object' && value !== null ? undefined : 'give a runtime'),
};

/** Name, hash and key (C2SP signed-note). That they belong together is checked when the first proof is. */
const keyShape = /^[^\s+]+\+[0-9a-f]{8}\+[A-Za-z0-9+/]+=*$/;

/**
 * Fills in the defaults of a client's options.
 *
 * @throws OptionInvalidError, OptionUnknownError or VerifierKeyShapeError, naming the option and the value.
 */
export function resolveOptions(options: ClientOptions): ResolvedOptions {
  refuse(options, clientChecks);
  for (const key of options.verifierKeys ?? []) if (!keyShape.test(key)) throw new VerifierKeyShapeError(key);
  return { ...clientDefaults, receipts: memoryStore(), ...withoutUndefined(options) };
}

/** Lays one call's options over the client's. Same errors as {@link resolveOptions}. */
export function resolveCallOptions(client: ResolvedOptions, call: CallOptions | undefined): ResolvedOptions {
  if (call === undefined) return client;
  refuse(call, callChecks);
  return { ...client, ...withoutUndefined(call) };
}

function refuse(options: object, checks: Readonly<Record<string, Check>>): void {
  for (const [name, value] of Object.entries(options)) {
    const check = Object.hasOwn(checks, name) ? checks[name] : undefined;
    if (check === undefined) {
      // Not meant for users: tests bring their own time through it.
      const known = Object.keys(checks).filter((one) => one !== 'runtime');
      throw new OptionUnknownError(`${name} is no option here; known are ${known.join(', ')}`);
    }
    const advice = value === undefined ? undefined : check(value);
    if (advice !== undefined)
      throw new OptionInvalidError(`${name}: ${show(value)} is not usable; ${advice}`);
  }
}

function withoutUndefined<T extends object>(options: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  const given = Object.entries(options).filter(([, value]) => value !== undefined);
  return Object.fromEntries(given) as { [K in keyof T]: Exclude<T[K], undefined> };
}

function show(value: unknown): string {
  return typeof value === 'string' ? `"${value}"` : String(value);
}

function asTexts(value: unknown): readonly string[] {
  return Array.isArray(value) ? value.filter((item) => typeof item === 'string') : [];
}

function isOrigin(text: string): boolean {
  return URL.canParse(text) && new URL(text).origin === text;
}
