/**
 * Which headers of a request are kept for its replay. A list of names rather than a list of exceptions: what
 * nobody thought of is not kept, so that no credential gets into a record by accident.
 *
 * Left out with intent: Authorization, Cookie, Proxy-Authorization (what they prove is carried by
 * `capture(req)`), Accept-Encoding (who reads the outcome later may not be who asked, so it is kept
 * unencoded), everything that belongs to one connection, and Expect.
 */
const keptBecause = {
  // what the route chooses its answer by
  accept: 'negotiation',
  'accept-language': 'negotiation',
  prefer: 'RFC 7240: a route may honour return=minimal',
  // what the body is
  'content-type': 'parsers',
  'content-encoding': 'the body is kept as it came, encoded',
  'content-language': 'the body',
  'content-disposition': 'the body',
  'content-digest': 'RFC 9530: a route may check it against the body',
  'repr-digest': 'RFC 9530: a route may check it against the body',
  // under which condition, and as what, the request asks to be done
  'if-match': 'without it a lost update',
  'if-none-match': 'without it a second creation',
  'if-unmodified-since': 'without it a lost update',
  'idempotency-key': 'the route may hand it on to others',
  'x-http-method-override': 'without it another route would be performed',
  // who asked, and from where; `trust proxy` reads these
  host: 'virtual hosts, and req.hostname',
  origin: 'CORS and CSRF checks',
  'user-agent': 'routes record it',
  'x-requested-with': 'CSRF checks',
  forwarded: 'RFC 7239: the original address behind proxies',
  'x-forwarded-for': 'the original address behind proxies',
  'x-forwarded-host': 'the original host behind proxies',
  'x-forwarded-port': 'the original port behind proxies',
  'x-forwarded-proto': 'the original scheme behind proxies',
  'x-real-ip': 'the original address behind proxies',
  // by which its traces are found
  'x-request-id': 'logs',
  'x-correlation-id': 'logs',
  traceparent: 'W3C trace context',
  tracestate: 'W3C trace context',
  baggage: 'W3C baggage',
} as const;

/** Names, lower case, of the headers that are kept of a deferred request. */
export const capturableHeaders: ReadonlySet<string> = new Set(Object.keys(keptBecause));

/** Names, lower case, that a replay never carries, whoever asks: credentials, framing, and hop-by-hop fields. */
export const neverReplayed: ReadonlySet<string> = new Set([
  'authorization',
  'connection',
  'content-length',
  'cookie',
  'expect',
  'http2-settings',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);

/**
 * The pairs of a request's `rawHeaders` that are kept for its replay: names in lower case, values, order and
 * repetitions as they came.
 *
 * @param rawHeaders names and values in turn, as `IncomingMessage.rawHeaders` has them
 * @param alsoKept further names, lower case, that the application's routes need; those that a replay never
 * carries are left out all the same
 */
export function allowListed(
  rawHeaders: readonly string[],
  alsoKept: ReadonlySet<string> = new Set(),
): readonly (readonly [name: string, value: string])[] {
  const kept: [string, string][] = [];
  for (let index = 0; index + 1 < rawHeaders.length; index += 2) {
    const name = (rawHeaders[index] ?? '').toLowerCase();
    const value = rawHeaders[index + 1] ?? '';
    const wanted = capturableHeaders.has(name) || (alsoKept.has(name) && !neverReplayed.has(name));
    if (wanted) kept.push([name, value]);
  }
  return kept;
}
