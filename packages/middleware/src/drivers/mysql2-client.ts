/**
 * What the driver uses of mysql2. Every statement, whoever calls it and by whichever of mysql2's interfaces, is a command that
 * is given to its connection by `addCommand`; `start`, `execute` and `doneInsert` are called on the command as it is sent
 * and answered. All of these are mysql2's own, the same from 3.20 on.
 */

/** A packet from the server. */
export interface Mysql2Packet {
  isError(): boolean;
  isEOF(): boolean;
  eofStatusFlags(): number;
  readonly buffer: Buffer;
  readonly offset: number;
}

/** What the server says of a statement that gives no rows. */
export interface Mysql2Result {
  readonly affectedRows?: number | string;
  readonly serverStatus?: number;
  readonly info?: string;
}

/** Anything that is sent to a server: a query, the execution of a prepared statement, a ping. */
export interface Mysql2Command {
  readonly sql?: unknown;
  readonly statement?: { readonly query?: unknown };
  readonly _queryOptions?: { readonly sql?: unknown };
  onResult?: ((...args: unknown[]) => unknown) | undefined;
  on(event: string | symbol, listener: (error: unknown) => void): unknown;
  start?(packet: unknown, connection: unknown): unknown;
  execute?(packet: Mysql2Packet | undefined, connection: unknown): boolean;
  doneInsert?(result: Mysql2Result | null): unknown;
}

/** A connection of mysql2's callback interface, on which its promises rest. */
export interface Mysql2Connection {
  readonly config: Mysql2ConnectionConfig;
  readonly _closing?: boolean;
  readonly _fatalError?: unknown;
  readonly _protocolError?: unknown;
  addCommand(command: Mysql2Command): unknown;
  close(): void;
  on(event: string | symbol, listener: (first: unknown) => void): unknown;
  once(event: string | symbol, listener: (first: unknown) => void): unknown;
  removeListener(event: string | symbol, listener: (first: unknown) => void): unknown;
}

export interface Mysql2ConnectionConfig {
  readonly host?: string;
  readonly port?: number | string;
  readonly socketPath?: string;
  readonly database?: string;
  readonly queryFormat?: unknown;
}

export type GetConnectionCallback = (error: unknown, connection: Mysql2Connection | undefined) => void;

/** A pool of mysql2's callback interface. */
export interface Mysql2Pool {
  readonly config: {
    readonly connectionLimit?: number;
    readonly queueLimit?: number;
    readonly waitForConnections?: boolean;
    readonly connectionConfig: Mysql2ConnectionConfig;
  };
  readonly _closed?: boolean;
  readonly _allConnections?: Mysql2Queue<Mysql2Connection>;
  readonly _connectionQueue?: Mysql2Queue<unknown>;
  getConnection(callback: GetConnectionCallback): void;
  releaseConnection(connection: Mysql2Connection): void;
  end(...args: unknown[]): unknown;
  on(event: string, listener: (connection: Mysql2Connection) => void): unknown;
  removeListener(event: string, listener: (connection: Mysql2Connection) => void): unknown;
}

interface Mysql2Queue<T> {
  readonly length: number;
  get(index: number): T;
}

/** The pools of several servers. */
export interface Mysql2PoolCluster {
  readonly _closed?: boolean;
  readonly _nodes: Readonly<Record<string, { readonly pool: Mysql2Pool }>>;
}

/** What the server says of the transaction with each answer that is no error. */
export const serverStatus = { inTransaction: 0x1, autocommit: 0x2 } as const;

/** The text of a statement as the application wrote it, without the values that mysql2 puts in. */
export function textOf(command: Mysql2Command, { queryFormat }: Mysql2ConnectionConfig): string | undefined {
  const { statement, _queryOptions, sql } = command;
  const written = typeof queryFormat === 'function' ? sql : (_queryOptions?.sql ?? sql ?? statement?.query);
  return typeof written === 'string' ? written : undefined;
}

/** Whether a command is a statement: a query, or the execution of a prepared one. */
export function isStatement(command: Mysql2Command): boolean {
  return typeof command.doneInsert === 'function' && typeof command.execute === 'function';
}

/** Whether a command gives the session a new start: `changeUser()`, `reset()`. */
export function resetsSession(command: Mysql2Command): boolean {
  return 'resetConnectionResponse' in command || 'handshakeResult' in command;
}
