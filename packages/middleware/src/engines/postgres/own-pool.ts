import { SlackwaterError } from '@slackwater/shared';
import type pg from 'pg';
import type { Engine } from '../engine.ts';
import type { PostgresEngineOptions } from './options.ts';
import { postgresEngine } from './postgres-engine.ts';

/** What {@link postgresWithOwnPool} takes. */
export interface OwnPoolOptions extends Omit<PostgresEngineOptions, 'pool'> {
  /** As `pg` takes it. */
  readonly connectionString: string;
}

/**
 * The PostgreSQL engine with a pool of its own for each opening, which ends when that is closed: for programs that have
 * none. Opening rejects with `peer-missing` where `pg` is not installed, and with what `postgresEngine` throws.
 */
export function postgresWithOwnPool({ connectionString, ...options }: OwnPoolOptions): Engine {
  return {
    name: 'postgres',
    durable: 'fsync',
    async open(openOptions) {
      const { Pool } = await loadPg();
      const pool = new Pool({ connectionString });
      try {
        const opened = await postgresEngine({ ...options, pool }).open(openOptions);
        let closed: Promise<void> | undefined;
        return {
          durable: opened.durable,
          log: opened.log,
          store: opened.store,
          queue: opened.queue,
          wrappedKeys: opened.wrappedKeys,
          keyFile: (create) => opened.keyFile(create),
          close() {
            closed ??= opened.close().then(() => pool.end());
            return closed;
          },
        };
      } catch (error) {
        await pool.end();
        throw error;
      }
    },
  };
}

async function loadPg(): Promise<typeof pg> {
  try {
    return (await import('pg')).default;
  } catch (cause) {
    throw new SlackwaterError('peer-missing', 'PostgreSQL is reached with the package pg: npm install pg.', {
      cause,
    });
  }
}
