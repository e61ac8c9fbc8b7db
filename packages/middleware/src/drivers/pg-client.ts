/**
 * What the driver uses of a `pg` client and its queries. The submittable's methods are pg's documented
 * protocol; the queue and the active query are pg's own, under either of the names it has given them since 8.16.
 */

/** Something that `client.query` accepts and runs: `pg.Query`, a cursor, a stream. */
export interface PgQuery {
  text?: unknown;
  name?: unknown;
  callback?: unknown;
  submit(connection: unknown): unknown;
  handleError(error: unknown, connection: unknown): void;
  handleReadyForQuery(connection: unknown): void;
  handleCommandComplete(message: { readonly text?: string }, connection: unknown): void;
}

export type QueryArguments = readonly unknown[];
export type QueryFunction = (...args: unknown[]) => unknown;

export interface PgClient {
  query: QueryFunction;
  readonly connection?: {
    readonly parsedStatements?: Readonly<Record<string, string>>;
    prependListener?(event: string, listener: (message: { readonly status?: string }) => void): void;
  };
  readonly readyForQuery?: boolean;
  readonly pipeline?: boolean;
  readonly host?: string;
  readonly port?: number;
  readonly database?: string;
  readonly user?: string;
  readonly password?: unknown;
  readonly ssl?: unknown;
  readonly connectionParameters?: { readonly options?: unknown };
  readonly _activeQuery?: PgQuery | null;
  readonly activeQuery?: PgQuery | null;
  readonly _queryQueue?: PgQuery[];
  readonly queryQueue?: PgQuery[];
  readonly _sentQueryQueue?: PgQuery[];
  readonly _types?: unknown;
  getTransactionStatus?(): string | null;
  escapeLiteral(text: string): string;
  once(event: string | symbol, listener: () => void): unknown;
  on(event: string, listener: (error: Error) => void): unknown;
  connect(): Promise<unknown>;
  end(): Promise<unknown>;
  unref?(): void;
  /** Gives it back to its pool; `true`: to be ended. */
  release?: (ends?: boolean) => void;
}

const statuses = new WeakMap<PgClient, string>();

/** Sees to it that {@link transactionStatus} knows this client: pg before 8.17 does not tell by itself. */
export function followTransactionStatus(client: PgClient): void {
  if (client.getTransactionStatus !== undefined) return;
  client.connection?.prependListener?.('readyForQuery', ({ status }) => {
    if (status !== undefined) statuses.set(client, status);
  });
}

/** What the database said last: I outside a transaction, T inside, E inside one that failed. */
export function transactionStatus(client: PgClient): string | undefined {
  return client.getTransactionStatus?.() ?? statuses.get(client);
}

/** A query as it stands in its client. */
export interface SentQuery {
  /** What `client.query` returned. */
  readonly result: unknown;
  /** Undefined where pg took none in, because the connection is gone. */
  readonly query: PgQuery | undefined;
  /** Whether it went to the database at once, rather than behind others. */
  readonly submitted: boolean;
}

/** Hands a query to pg, unchanged, and finds what pg made of it. */
export function send(client: PgClient, original: QueryFunction, args: QueryArguments): SentQuery {
  const before = lastQuery(client);
  const result = original.apply(client, [...args]);
  const query = lastQuery(client);
  if (query === undefined || query === null || query === before)
    return { result, query: undefined, submitted: false };
  return { result, query, submitted: client.pipeline === true || activeQuery(client) === query };
}

/**
 * The same behind a query of the driver's own. On a connection that was opened a moment ago that one is still queued, of which
 * pg would warn as if the application had queued it: it steps aside and back again.
 */
export function sendBehind(
  own: PgQuery,
  client: PgClient,
  original: QueryFunction,
  args: QueryArguments,
): SentQuery {
  const queued = queue(client);
  if (queued?.at(-1) !== own) return send(client, original, args);
  const at = queued.length - 1;
  queued.pop();
  try {
    return send(client, original, args);
  } finally {
    queued.splice(at, 0, own);
  }
}

/**
 * Puts a query of the driver's own behind what is queued. Not by `client.query`, which warns of queued
 * queries as if the application had queued them.
 */
export function append(client: PgClient, query: PgQuery): void {
  queue(client)?.push(query);
}

/** Whether anything is queued behind the active query. */
export function hasQueued(client: PgClient): boolean {
  return (queue(client)?.length ?? 0) > 0;
}

/** Whether the connection has answered everything it was given. */
export function isQuiet(client: PgClient): boolean {
  return (
    client.readyForQuery === true && !hasQueued(client) && (activeQuery(client) ?? undefined) === undefined
  );
}

/** A query of the driver's own; `done` gets its error, if it has one, and its result. */
export function ownQuery(
  client: PgClient,
  config: { readonly text: string; readonly values?: readonly unknown[] },
  done: (error: unknown, result: { readonly command?: string } | undefined) => void,
): PgQuery {
  const { Query } = client.constructor as unknown as {
    Query: new (config: object, values: undefined, callback: typeof done) => PgQuery;
  };
  return new Query(config, undefined, done);
}

/** The text of whatever `client.query` was given; of a statement prepared before, the text it had then. */
export function textOf(client: PgClient, config: unknown): string | undefined {
  if (typeof config === 'string') return config;
  if (typeof config !== 'object' || config === null) return undefined;
  const { text, name } = config as { readonly text?: unknown; readonly name?: unknown };
  if (typeof text === 'string') return text;
  return typeof name === 'string' ? client.connection?.parsedStatements?.[name] : undefined;
}

export function isSubmittable(config: unknown): config is PgQuery {
  return (
    typeof config === 'object' && config !== null && 'submit' in config && typeof config.submit === 'function'
  );
}

function queue(client: PgClient): PgQuery[] | undefined {
  return '_queryQueue' in client ? client._queryQueue : client.queryQueue;
}

function activeQuery(client: PgClient): PgQuery | null | undefined {
  return '_activeQuery' in client ? client._activeQuery : client.activeQuery;
}

function lastQuery(client: PgClient): PgQuery | null | undefined {
  return queue(client)?.at(-1) ?? client._sentQueryQueue?.at(-1) ?? activeQuery(client);
}
