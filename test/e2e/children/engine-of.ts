import { type Engine, sqliteEngine } from '@slackwater/middleware';
import { natsEngine } from '@slackwater/middleware/nats';
import { postgresEngine } from '@slackwater/middleware/postgres-engine';
import pg from 'pg';

/** How a process of a test is told which engine it shares with others; JSON. */
export type EngineSpec =
  | { readonly engine: 'sqlite'; readonly directory: string }
  | {
      readonly engine: 'nats';
      readonly servers: readonly string[];
      readonly prefix: string;
      /** The text of a key file. */
      readonly keys: string;
    }
  | {
      readonly engine: 'postgres';
      readonly connectionString: string;
      readonly schema: string;
      readonly keys: string;
    };

/** The engine that a process was told of. */
export function engineOf(text: string): Engine {
  const spec = JSON.parse(text) as EngineSpec;
  switch (spec.engine) {
    case 'sqlite':
      return sqliteEngine({ directory: spec.directory });
    case 'nats':
      return natsEngine({ servers: spec.servers, prefix: spec.prefix, keys: spec.keys });
    case 'postgres': {
      const { connectionString, schema, keys } = spec;
      // What PGOPTIONS sets is for the database that is protected.
      const pool = new pg.Pool({ connectionString, options: '', connectionTimeoutMillis: 1_000 });
      return postgresEngine({ pool, schema, keys, ensure: true, timeoutMs: 1_000 });
    }
  }
}
