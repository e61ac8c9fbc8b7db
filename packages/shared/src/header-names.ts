/**
 * Every header of Slackwater's wire, spelled as it is sent. Header names are compared without regard to case;
 * Node.js gives them in lower case.
 */
export const headerNames = {
  /** Response: whole seconds to wait (RFC 9110 section 10.2.3). */
  retryAfter: 'Retry-After',
  /** Response: the same in milliseconds, not rounded. */
  retryAfterMs: 'Slackwater-Retry-After-Ms',
  /** Response: an opaque tag of the partition, so that callers can tell partitions apart. */
  partition: 'Slackwater-Partition',
  /** Response: a structured dictionary (RFC 8941) that says how it was decided, where the option `explain` says so. */
  decision: 'Slackwater-Decision',
  /** Response: a structured dictionary (RFC 8941), `id="...", portion=all`, on a success given ahead of the work. */
  deferred: 'Slackwater-Deferred',
  /** Response: `kept`, where the route keeps the keys of requests that it performed: one with the same Idempotency-Key is not performed again. */
  keys: 'Slackwater-Keys',
  /** Response of an outcome resource: `pending`, or `final` for the route's own answer. */
  outcome: 'Slackwater-Outcome',
  /** Response: the deferral's resource (Azure long-running operations). */
  operationLocation: 'Operation-Location',
  /** Response: where the outcome will be. */
  location: 'Location',
  /** Request: `respond-async`, `wait=<seconds>` (RFC 7240). */
  prefer: 'Prefer',
  /** Response: the preferences that were honoured (RFC 7240). */
  preferenceApplied: 'Preference-Applied',
  /** Request: draft-ietf-httpapi-idempotency-key-header-07. */
  idempotencyKey: 'Idempotency-Key',
  /** Response: `Prefer`, where it decided between 202 and something else. */
  vary: 'Vary',
  /** Response: `no-store`. */
  cacheControl: 'Cache-Control',
  /** Response: by the server's clock; what a date in Retry-After is measured against. */
  date: 'Date',
} as const;

/** The headers that a script of another origin must be allowed to read (Access-Control-Expose-Headers). */
export const exposedHeaderNames: readonly string[] = [
  headerNames.retryAfter,
  headerNames.retryAfterMs,
  headerNames.partition,
  headerNames.decision,
  headerNames.deferred,
  headerNames.keys,
  headerNames.outcome,
  headerNames.operationLocation,
  headerNames.location,
  headerNames.preferenceApplied,
  headerNames.date,
];

/** The two values of `Slackwater-Outcome`. */
export const outcomeStates = ['pending', 'final'] as const;

/** One of {@link outcomeStates}. */
export type OutcomeState = (typeof outcomeStates)[number];

/** The value of `Slackwater-Outcome`; undefined where it is absent or anything else. */
export function parseOutcomeState(value: unknown): OutcomeState | undefined {
  return outcomeStates.find((state) => state === value);
}

/** The only value of `Slackwater-Keys`. */
export const keysKept = 'kept';
