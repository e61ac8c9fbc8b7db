import { SlackwaterError } from '@slackwater/shared';
import type { GivenKeys } from '../given-keys.ts';
import type { EnginePool } from './pool.ts';

/** What `postgresEngine` takes. */
export interface PostgresEngineOptions {
  /**
   * A pool of `pg`, of the application's making and ending; best one of the engine's own. Its role needs what
   * docs/engines.md lists, and no more.
   */
  readonly pool: EnginePool;
  /**
   * The schema that the tables are in: 1 to 63 lower-case letters, digits and underscores, beginning with a letter. One
   * schema serves many applications and groups. Default `slackwater`.
   */
  readonly schema?: string;
  /** The bytes or the text of a key file, or a function of the group that gives them. The same on every host. */
  readonly keys: GivenKeys;
  /**
   * Whether the engine may create the schema where it is missing; else the migration in docs/postgres-engine-schema.md
   * does. Default false.
   */
  readonly ensure?: boolean;
  /**
   * How long a statement, and the wait for a connection, may take, in ms: 100 to 600,000. A call that waits for no others
   * is answered within three times as long. Default 5,000.
   */
  readonly timeoutMs?: number;
  /**
   * Whether the host hears at once what other hosts write (LISTEN), over one connection of its own beside the pool's, made
   * with the pool's options. Without it, and behind a pooler that pools transactions, where nothing can be heard, it finds
   * that when it looks (`perform.lookEveryMs`). Default true.
   */
  readonly listen?: boolean;
}

/** Options with their defaults. */
export interface PostgresEngineSetup {
  readonly pool: EnginePool;
  readonly schema: string;
  readonly ensure: boolean;
  readonly timeoutMs: number;
  readonly listen: boolean;
}

const postgresEngineDefaults = {
  schema: 'slackwater',
  ensure: false,
  timeoutMs: 5_000,
  listen: true,
};

const names = ['pool', 'schema', 'keys', 'ensure', 'timeoutMs', 'listen'];

/** Refuses what can't be meant; `keys` is checked by who reads it. Throws `option-missing`, `option-unknown` or `option-invalid`. */
export function checkOptions(options: PostgresEngineOptions): PostgresEngineSetup {
  if (typeof options !== 'object' || options === null) {
    throw invalid(`postgresEngine(${shown(options)})`, 'give an object, { pool, keys }');
  }
  const unknown = Object.keys(options).find((name) => !names.includes(name));
  if (unknown !== undefined) {
    throw new SlackwaterError(
      'option-unknown',
      `postgresEngine knows no option ${unknown}; it has ${names.join(', ')}`,
    );
  }
  const { pool, keys: _keys, ...given } = options;
  if (pool === undefined) {
    throw new SlackwaterError(
      'option-missing',
      'postgresEngine wants a pool of pg, such as { pool: new pg.Pool({ connectionString }) }',
    );
  }
  if (!isPool(pool)) {
    throw invalid(`pool: ${shown(pool)}`, 'give a pool of pg, new pg.Pool({ connectionString })');
  }
  const setup = { pool, ...postgresEngineDefaults, ...defined(given) };
  const { schema, ensure, timeoutMs, listen } = setup;
  if (typeof schema !== 'string' || !/^[a-z][a-z0-9_]{0,62}$/.test(schema) || schema.startsWith('pg_')) {
    throw invalid(
      `schema: ${shown(schema)}`,
      'give 1 to 63 lower-case letters, digits and underscores, beginning with a letter and not with pg_',
    );
  }
  if (typeof ensure !== 'boolean') throw invalid(`ensure: ${shown(ensure)}`, 'give true or false');
  if (typeof listen !== 'boolean') throw invalid(`listen: ${shown(listen)}`, 'give true or false');
  if (!(Number.isInteger(timeoutMs) && timeoutMs >= 100 && timeoutMs <= 600_000)) {
    throw invalid(
      `timeoutMs: ${shown(timeoutMs)}`,
      'give a whole number of milliseconds from 100 to 600,000',
    );
  }
  return setup;
}

/** A client is no pool: it would be one transaction at a time, and `connect` would connect it again. */
function isPool(pool: unknown): boolean {
  if (typeof pool !== 'object' || pool === null || !('totalCount' in pool)) return false;
  return ['connect', 'on'].every((name) => typeof (pool as Record<string, unknown>)[name] === 'function');
}

/** An option that is `undefined` was left out. */
function defined<T extends object>(given: T): Partial<T> {
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)) as Partial<T>;
}

function invalid(what: string, intention: string): SlackwaterError {
  return new SlackwaterError('option-invalid', `${what}; ${intention}`);
}

function shown(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value.slice(0, 100));
  return typeof value === 'object' && value !== null ? 'an object' : String(value).slice(0, 100);
}
