import pg from 'pg';
import { afterAll, describe, expect, it } from 'vitest';
import {
  type PostgresEngineOptions,
  postgresEngine,
} from '../../../../packages/middleware/src/engines/postgres/postgres-engine.ts';

// Never connected.
const pool = new pg.Pool({ connectionString: 'postgres://nobody:secret@nowhere.example/nothing' });

afterAll(() => pool.end());

function refused(options: unknown): { code?: string; message: string } {
  try {
    postgresEngine(options as PostgresEngineOptions);
  } catch (error) {
    return error as { code?: string; message: string };
  }
  throw new Error(`${JSON.stringify(options)} was taken`);
}

describe('options of the PostgreSQL engine', () => {
  it('are enough with a pool and keys; nothing is opened yet', () => {
    expect(postgresEngine({ pool, keys: '{}' })).toMatchObject({
      name: 'postgres',
      durable: 'fsync',
      server: 'nowhere.example:5432',
    });
    expect(postgresEngine({ pool, keys: () => '{}', schema: undefined as never, timeoutMs: 100 }).name).toBe(
      'postgres',
    );
  });

  it('are refused where one is missing, with how to give it', () => {
    expect(refused({ keys: '{}' })).toMatchObject({
      code: 'option-missing',
      message: expect.stringMatching(/pool of pg/),
    });
    expect(refused({ pool })).toMatchObject({ code: 'option-missing' });
    expect(refused({ pool }).message).toMatch(/postgresEngine wants keys/);
  });

  it.each([
    [undefined, /give an object/],
    [null, /give an object/],
    ['postgres://here', /give an object/],
    [{ pool: 'postgres://u:p@here', keys: '{}' }, /pool: .*new pg\.Pool/],
    [{ pool: new pg.Client(), keys: '{}' }, /pool: an object; give a pool of pg/],
    [{ pool, keys: 'keys.json' }, /keys: .*readFileSync/],
    [{ pool, keys: '{}', schema: 'Slackwater' }, /schema: "Slackwater"; give .*lower-case/],
    [{ pool, keys: '{}', schema: 'a"; DROP TABLE orders' }, /schema: /],
    [{ pool, keys: '{}', schema: 'pg_slackwater' }, /not with pg_/],
    [{ pool, keys: '{}', schema: 'x'.repeat(64) }, /1 to 63/],
    [{ pool, keys: '{}', ensure: 'yes' }, /ensure: "yes"; give true or false/],
    [{ pool, keys: '{}', timeoutMs: '5000' }, /timeoutMs: "5000"; give a whole number/],
    [{ pool, keys: '{}', timeoutMs: 99 }, /100 to 600,000/],
    [{ pool, keys: '{}', timeoutMs: null }, /timeoutMs: null/],
  ])('are refused as they stand (%#)', (options, message) => {
    const error = refused(options);
    expect(error.code).toBe('option-invalid');
    expect(error.message).toMatch(message);
    expect(error.message).not.toMatch(/secret/);
  });

  it('are refused by name where they are unknown', () => {
    expect(refused({ pool, keys: '{}', directory: '.slackwater' })).toMatchObject({
      code: 'option-unknown',
      message:
        'postgresEngine knows no option directory; it has pool, schema, keys, ensure, timeoutMs, listen',
    });
  });
});
