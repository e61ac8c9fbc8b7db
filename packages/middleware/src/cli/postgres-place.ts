import type { PostgresEngineOptions } from '../engines/postgres/postgres-engine.ts';
import { UsageError } from './failures.ts';
import type { Place } from './place.ts';
import { readPlaceQuery } from './place-query.ts';

const settings = ['schema', 'ensure', 'timeoutMs'];

/**
 * The engine on PostgreSQL: a connection string as `pg` takes it, with the options `schema`, `ensure` and `timeoutMs` of
 * `postgresEngine` among its parameters. Throws a {@link UsageError}.
 */
export function postgresPlace(url: string): Place {
  const connection = parse(url.startsWith('//') ? `postgres:${url}` : url);
  const own = new URLSearchParams();
  for (const name of settings) {
    for (const value of connection.searchParams.getAll(name)) own.append(name, value);
    connection.searchParams.delete(name);
  }
  const query = readPlaceQuery('postgres', `?${own}`, settings);
  const schema = query.get('schema');
  const all: Partial<Record<keyof PostgresEngineOptions, unknown>> = {
    schema,
    ensure: query.flag('ensure'),
    timeoutMs: query.count('timeoutMs'),
  };
  const options = Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined));
  return {
    shown: `postgres://${connection.host}${connection.pathname}?schema=${schema ?? 'slackwater'}`,
    async engine(keys) {
      const { postgresWithOwnPool } = await import('../engines/postgres/own-pool.ts');
      return postgresWithOwnPool({ ...options, keys, connectionString: connection.href });
    },
  };
}

function parse(url: string): URL {
  const parsed = URL.canParse(url) ? new URL(url) : undefined;
  if (parsed !== undefined && /^postgres(?:ql)?:$/.test(parsed.protocol)) return parsed;
  throw new UsageError(
    'postgres:...: give a connection string, such as postgres://user:password@host:5432/database?schema=slackwater',
  );
}
