import { EngineError, type EngineErrorCode } from '../engine-error.ts';

type Meaning = readonly [EngineErrorCode, string];

const grants = "grant the application's role what docs/engines.md lists";

/** SQLSTATEs, https://www.postgresql.org/docs/current/errcodes-appendix.html, and what is to be done about each. */
const meanings: Readonly<Record<string, Meaning>> = {
  '53100': ['engine-full', "the server's disk is full; make room there"],
  '53200': [
    'engine-unavailable',
    'the server is out of memory; where it names locks, raise max_locks_per_transaction',
  ],
  '53300': [
    'engine-unavailable',
    "the server takes no more connections; lower the pools' max or raise max_connections",
  ],
  '25006': [
    'engine-unavailable',
    'the server, or this role on it, is read-only; let the pool connect to the primary',
  ],
  '25P03': ['engine-unavailable', 'this process stood still within a transaction, and the server ended it'],
  '28000': ['engine-unavailable', 'the server refuses the role; check the credentials and pg_hba.conf'],
  '28P01': ['engine-unavailable', 'the server refuses the password; check the credentials'],
  '3D000': ['engine-unavailable', 'there is no such database; check its name'],
  '42501': ['engine-unavailable', `the role lacks a permission; ${grants}`],
  '55P03': ['engine-unavailable', 'another transaction has held a lock for too long'],
  '57014': ['engine-unavailable', 'the server took too long, or somebody canceled the statement'],
  '57P01': ['engine-unavailable', 'the server is being shut down, or an operator ended the connection'],
  '57P02': ['engine-unavailable', 'the server crashed and is starting again'],
  '57P03': ['engine-unavailable', 'the server is starting or stopping'],
  '58030': ['engine-unavailable', 'the disk of the server failed to read or write'],
  XX001: ['engine-corrupt', 'the data on the server are damaged; put back a backup'],
  XX002: ['engine-corrupt', 'an index on the server is damaged; REINDEX the tables of the schema'],
};

/** By the first two characters, where the whole code is not known above. */
const classes: Readonly<Record<string, Meaning>> = {
  '08': ['engine-unavailable', 'the connection to the server was lost'],
  '23': ['engine-corrupt', 'the rows are not as Slackwater left them; put back a backup'],
  '3F': ['engine-corrupt', 'the schema is gone; create it as docs/engines.md says, or put back a backup'],
  '40': ['engine-unavailable', 'the transaction met others again and again'],
  '42': ['engine-corrupt', 'the tables are gone, or not as Slackwater made them; put back a backup'],
  '53': ['engine-unavailable', 'the server has not enough of something'],
  '57': ['engine-unavailable', 'an operator intervened'],
};

const others: Meaning = ['engine-unavailable', 'the server refused what the engine asked'];
const unreadable: Meaning = ['engine-corrupt', 'what is in the tables is not what Slackwater puts there'];
const unreachable: Meaning = [
  'engine-unavailable',
  'the server can not be reached, or the connection was lost',
];

/** The SQLSTATE of an error that the server gave; undefined for any other error. */
export function sqlState(error: unknown): string | undefined {
  if (typeof error !== 'object' || error === null || !('severity' in error) || !('code' in error))
    return undefined;
  return typeof error.code === 'string' ? error.code : undefined;
}

/** Whether the server answered with an error and goes on, so that what was asked was not done. */
export function isRefusal(error: unknown): boolean {
  return sqlState(error) !== undefined && (error as { readonly severity: unknown }).severity === 'ERROR';
}

/** Transactions that met others: the same once more may do. */
export function isCollision(error: unknown): boolean {
  const state = sqlState(error);
  return state === '40001' || state === '40P01';
}

/** An error that one call alone may have brought on: its values, not the server's state. */
export function isOneCalls(error: unknown): boolean {
  if (!(error instanceof EngineError) || error.fate !== 'none') return false;
  const state = sqlState(error.cause);
  return state !== undefined && ['22', '23', '53', '54'].includes(state.slice(0, 2)) && state !== '53300';
}

/** What went wrong, for the caller of the engine. `where`: the server and the schema. */
export function engineError(error: unknown, where: string, fate: EngineError['fate']): EngineError {
  if (error instanceof EngineError) return error;
  const state = sqlState(error);
  const [code, meaning] = meaningOf(error, state);
  const said = error instanceof Error ? error.message : String(error);
  return new EngineError(
    code,
    fate,
    `${where}: ${meaning} (${state === undefined ? '' : `${state}: `}${said})`,
    {
      cause: error,
    },
  );
}

function meaningOf(error: unknown, state: string | undefined): Meaning {
  if (error instanceof TypeError) return unreadable;
  if (state === undefined) return unreachable;
  return meanings[state] ?? classes[state.slice(0, 2)] ?? others;
}
