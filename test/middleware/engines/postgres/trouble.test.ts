import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { slowCommits } from '@slackwater/test-support/postgres';
import pg from 'pg';
import { describe, expect, it } from 'vitest';
import { systemClock } from '../../../../packages/middleware/src/clock.ts';
import type { OpenEngine } from '../../../../packages/middleware/src/engines/engine.ts';
import { bytes, scope, texts } from '../../../contracts/engine-under-test.ts';
import { usePostgres } from './place.ts';

const place = usePostgres();

const unavailable = { code: 'engine-unavailable', fate: 'none' };

/** Calls until it succeeds: the server is back, and so is the engine, by itself. */
async function untilItGoesOn<T>(call: () => Promise<T>): Promise<T> {
  while (true) {
    try {
      return await call();
    } catch {
      await sleep(20);
    }
  }
}

/** Calls until a new connection is refused: what serves a connection outlives its server's main process for a moment. */
async function untilNobodyAnswers(call: () => Promise<unknown>): Promise<void> {
  while (true) {
    const error = await call().catch((thrown: unknown) => thrown);
    if (String(error).includes('ECONNREFUSED')) return;
  }
}

/** One call of each kind, as a function that makes it. */
function everyCall({ log, store, queue }: OpenEngine): (() => Promise<unknown>)[] {
  return [
    () => log.append([bytes('x')]),
    () => log.read(0, 1),
    () => log.size(),
    () => store.get('k'),
    () => store.create('c', bytes('x')),
    () => store.put('p', bytes('x')),
    () => store.update('u', bytes('x'), 1),
    () => store.delete('d'),
    () => store.list('', { limit: 1 }),
    () => queue.enqueue({ id: 'i', partition: 'p', priority: 1, position: 0 }),
    () => queue.claim({ partition: 'p', limit: 1, leaseMs: 1_000, holder: 'h' }),
    () => queue.extend('i', 1, 1_000),
    () => queue.settle('i', 1),
    () => queue.postpone('i', 1, 0),
    () => queue.deadLetter('i', 1),
    () => queue.remove('i'),
    () => queue.backlog(),
    () => queue.holdsOrderKey('k'),
  ];
}

/** Makes each write to the log fail as a server in that state does. */
async function failWith(schema: string, sqlState: string): Promise<() => Promise<unknown>> {
  await place.sql(`
    CREATE OR REPLACE FUNCTION ${schema}_fail() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN RAISE EXCEPTION 'no space left' USING ERRCODE = '${sqlState}'; END $$;
    CREATE TRIGGER fail BEFORE INSERT ON ${schema}.log EXECUTE FUNCTION ${schema}_fail()`);
  return () => place.sql(`DROP TRIGGER fail ON ${schema}.log`);
}

describe('trouble with the server', () => {
  it('that is gone answers every call in time, and none was done; all goes on when it is back', async () => {
    const engine = await place.open(place.newSchema());
    await engine.log.append([bytes('before')]);
    await place.server.kill();
    try {
      await untilNobodyAnswers(() => engine.log.size());
      for (const call of everyCall(engine)) await expect(call()).rejects.toMatchObject(unavailable);
    } finally {
      await place.server.restart();
    }
    expect(await untilItGoesOn(() => engine.log.append([bytes('after')]))).toEqual({ first: 1 });
    expect(texts(await engine.log.read(0, 10))).toEqual(['before', 'after']);
  });

  it('that goes away within COMMIT leaves the fate unknown, and the log tells it', async () => {
    const schema = place.newSchema();
    const engine = await place.open(schema);
    await engine.log.append([bytes('kept')]);
    const commits = await slowCommits(place.newPool(), [`${schema}.log`]);
    await commits.set(60_000);
    const lost = engine.log.append([bytes('lost')]).catch((error: unknown) => error);
    await committing();
    await place.server.kill();
    expect(await lost).toMatchObject({ code: 'engine-unavailable', fate: 'unknown' });
    await place.server.restart();
    // The trigger had not let the commit through: it is not there, and its position is given again.
    expect(texts(await untilItGoesOn(() => engine.log.read(0, 10)))).toEqual(['kept']);
    await commits.set(0);
    expect(await engine.log.append([bytes('next')])).toEqual({ first: 1 });
  });

  it('that does not answer a COMMIT is given up in time, with the fate unknown', async () => {
    const engine = await place.open(place.newSchema(), { timeoutMs: 300 });
    await place.server.stallCommits(true);
    try {
      const appended = await engine.log.append([bytes('stalled')]).catch((error: unknown) => error);
      expect(appended).toMatchObject({ code: 'engine-unavailable', fate: 'unknown' });
    } finally {
      await place.server.stallCommits(false);
    }
    // Its COMMIT had been sent, and ends by itself.
    await untilItGoesOn(async () => expect(await engine.log.size()).toBe(1));
    expect(await untilItGoesOn(() => engine.log.append([bytes('next')]))).toEqual({ first: 1 });
  });

  it('that has become read-only says so, and to whom to connect', async () => {
    const engine = await place.open(place.newSchema());
    await engine.log.append([bytes('one')]);
    const set = async (value: string) => {
      await place.sql(`ALTER ROLE slackwater ${value}`);
      await place.sql(
        'SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND usename IS NOT NULL',
      );
    };
    await set('SET default_transaction_read_only = on');
    try {
      await expect(untilRefused(() => engine.log.append([bytes('two')]))).resolves.toMatchObject({
        ...unavailable,
        message: expect.stringMatching(/read-only; let the pool connect to the primary \(25006/),
      });
      expect(await engine.log.size()).toBe(1);
    } finally {
      const owner = place.newPool({ max: 1, options: '-c default_transaction_read_only=off' });
      await owner.query('ALTER ROLE slackwater RESET default_transaction_read_only');
      await owner.query(
        'SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND usename IS NOT NULL',
      );
    }
    expect(await untilItGoesOn(() => engine.log.append([bytes('two')]))).toEqual({ first: 1 });
  });

  it('that is a standby is neither written nor read: what it shows may be old', async () => {
    const engine = await place.open(place.newSchema());
    await engine.log.append([bytes('one')]);
    const signal = join(place.server.dataDirectory, 'standby.signal');
    await writeFile(signal, '');
    await place.server.restart();
    const standby = {
      ...unavailable,
      message: expect.stringMatching(/is a standby.*connect to the primary/),
    };
    for (const call of everyCall(engine)) await expect(call()).rejects.toMatchObject(standby);
    await rm(signal);
    await place.server.restart();
    expect(await untilItGoesOn(() => engine.log.append([bytes('two')]))).toEqual({ first: 1 });
  });

  it('whose disk is full is engine-full, spoils no reading, and goes on when there is room', async () => {
    const schema = place.newSchema();
    const engine = await place.open(schema);
    await engine.log.append([bytes('one')]);
    const makeRoom = await failWith(schema, '53100');
    const outcomes = await Promise.allSettled([1, 2, 3].map((n) => engine.log.append([bytes(`${n}`)])));
    for (const outcome of outcomes) {
      expect(outcome).toMatchObject({
        status: 'rejected',
        reason: { code: 'engine-full', fate: 'none', message: expect.stringContaining('make room') },
      });
    }
    expect(texts(await engine.log.read(0, 10))).toEqual(['one']);
    await makeRoom();
    expect(await engine.log.append([bytes('two')])).toEqual({ first: 1 });
  });

  it('whose data are damaged is engine-corrupt', async () => {
    const schema = place.newSchema();
    const engine = await place.open(schema);
    await failWith(schema, 'XX001');
    await expect(engine.log.append([bytes('x')])).rejects.toMatchObject({
      code: 'engine-corrupt',
      fate: 'none',
    });
  });

  it('that takes no more connections says what to change', async () => {
    const schema = place.newSchema();
    await place.open(schema);
    await place.sql(`CREATE ROLE crowded LOGIN PASSWORD 'x' SUPERUSER CONNECTION LIMIT 0`);
    await place.sql('ALTER ROLE crowded NOSUPERUSER');
    const { host, port, database } = place.server;
    const pool = place.newPool({
      ...{ connectionString: undefined, host, port, database, user: 'crowded', password: 'x' },
    });
    await expect(place.open(schema, { pool, ensure: false })).rejects.toMatchObject({
      ...unavailable,
      message: expect.stringMatching(/max_connections/),
    });
  });

  it('that refuses the password, or has no such database, says what to check', async () => {
    const { host, port, user, password, database } = place.server;
    const wrong: [pg.PoolConfig, RegExp][] = [
      [{ host, port, user, database, password: 'wrong' }, /check the credentials \(28P01/],
      [{ host, port, user, password, database: 'nowhere' }, /no such database.*\(3D000/],
      [{ host, port: 1, user, password, database }, /can not be reached/],
    ];
    for (const [config, message] of wrong) {
      const pool = place.newPool({ connectionString: undefined, ...config });
      const error = await place.open('slackwater', { pool }).catch((thrown: unknown) => thrown);
      expect(error).toMatchObject({ ...unavailable, message: expect.stringMatching(message) });
      expect(String(error)).not.toContain(password);
    }
  });
});

describe('trouble with the tables', () => {
  it('that are gone is engine-corrupt, until they are put back', async () => {
    const schema = place.newSchema();
    const engine = await place.open(schema);
    await engine.log.append([bytes('one')]);
    await place.sql(`ALTER SCHEMA ${schema} RENAME TO ${schema}_away`);
    for (const call of everyCall(engine)) {
      await expect(call()).rejects.toMatchObject({ code: 'engine-corrupt', fate: 'none' });
    }
    await place.sql(`ALTER SCHEMA ${schema}_away RENAME TO ${schema}`);
    expect(await engine.log.append([bytes('two')])).toEqual({ first: 1 });
  });

  it('whose log has lost an entry in its middle is not read past it', async () => {
    const schema = place.newSchema();
    const engine = await place.open(schema);
    await engine.log.append(['a', 'b', 'c'].map(bytes));
    await place.sql(`DELETE FROM ${schema}.log WHERE position = 1`);
    expect(texts(await engine.log.read(0, 1))).toEqual(['a']);
    await expect(engine.log.read(0, 3)).rejects.toMatchObject({
      code: 'engine-corrupt',
      message: expect.stringContaining('entry 1 is missing'),
    });
  });

  it('that somebody keeps locked is answered in time, and leaves nothing waiting on the server', async () => {
    const schema = place.newSchema();
    const engine = await place.open(schema, { timeoutMs: 300 });
    const holder = await place.newPool({ max: 1 }).connect();
    await holder.query(
      `BEGIN; LOCK TABLE ${schema}.log, ${schema}.store, ${schema}.queue IN ACCESS EXCLUSIVE MODE`,
    );
    try {
      const calls = [
        () => engine.log.append([bytes('x')]),
        () => engine.store.get('k'),
        () => engine.queue.claim({ partition: 'p', limit: 1, leaseMs: 1_000, holder: 'h' }),
      ];
      for (const call of calls) await expect(call()).rejects.toMatchObject(unavailable);
      expect(await place.sql(`SELECT query FROM pg_stat_activity WHERE wait_event_type = 'Lock'`)).toEqual(
        [],
      );
    } finally {
      await holder.query('ROLLBACK');
      holder.release();
    }
    expect(await engine.log.append([bytes('x')])).toEqual({ first: 0 });
  });
});

describe('trouble with the pool', () => {
  it('that has no connection free is answered in time; the one that comes late goes back', async () => {
    const pool = place.newPool({ max: 1 });
    const engine = await place.open(place.newSchema(), { pool, timeoutMs: 200 });
    const taken = await pool.connect();
    for (const call of everyCall(engine)) {
      await expect(call()).rejects.toMatchObject({
        ...unavailable,
        message: expect.stringMatching(/no connection within 200 ms; give the engine a pool of its own/),
      });
    }
    taken.release();
    expect(await engine.log.append([bytes('x')])).toEqual({ first: 0 });
  });

  it('that was ended is answered with the fate none', async () => {
    const pool = place.newPool();
    const engine = await place.open(place.newSchema(), { pool });
    await pool.end();
    await expect(engine.log.size()).rejects.toMatchObject(unavailable);
  });

  it('of one connection serves all calls at once', async () => {
    const engine = await place.open(place.newSchema(), { pool: place.newPool({ max: 1 }) });
    await Promise.all(everyCall(engine).map((call) => call()));
  });

  it('whose idle connections broke is used again without anybody noticing', async () => {
    const pool = place.newPool({ max: 4 });
    const engine = await place.open(place.newSchema(), { pool });
    await Promise.all(everyCall(engine).map((call) => call()));
    await place.sql(
      'SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND usename IS NOT NULL',
    );
    // Some are known to be broken by now, and some will prove so.
    await Promise.all(everyCall(engine).map((call) => call()));
  });

  it('whose connection breaks in the very moment in which it is lent ends no process', async () => {
    const pool = place.newPool({ max: 1 });
    const engine = await place.open(place.newSchema(), { pool });
    // What the server said last may stand behind its welcome, and is read before anybody's turn comes.
    pool.once('acquire', (client) => {
      process.nextTick(() => client.emit('error', new Error('terminating connection')));
    });
    expect(await engine.log.append([bytes('x')])).toEqual({ first: 0 });
    expect(pool.totalCount).toBe(0);
  });

  it('whose idle connections broke is told of, and ends no process', async () => {
    const pool = new pg.Pool({ connectionString: place.server.connectionString });
    const troubles: string[] = [];
    const onTrouble = (doing: string, error: unknown) => troubles.push(`${doing}: ${error}`);
    const engine = place.newEngine(place.newSchema(), { pool });
    const opened = await engine.open({ ...scope, clock: systemClock, onTrouble });
    await place.sql(
      'SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND usename IS NOT NULL',
    );
    await untilItGoesOn(async () =>
      expect(troubles[0]).toMatch(/keeping connections of the engine: .*57P01/),
    );
    await opened.close();
    await pool.end();
  });

  it('has its settings back after each call', async () => {
    const pool = place.newPool({ max: 1, options: '-c statement_timeout=7777 -c lock_timeout=6666' });
    const engine = await place.open(place.newSchema(), { pool });
    await Promise.all(everyCall(engine).map((call) => call()));
    expect((await pool.query('SHOW statement_timeout')).rows).toEqual([{ statement_timeout: '7777ms' }]);
    expect((await pool.query('SHOW lock_timeout')).rows).toEqual([{ lock_timeout: '6666ms' }]);
  });
});

describe('calls that nobody can keep up with', () => {
  it('are refused beyond a bound instead of filling the memory', async () => {
    const pool = place.newPool({ max: 1 });
    const engine = await place.open(place.newSchema(), { pool, timeoutMs: 2_000 });
    const taken = await pool.connect();
    const value = new Uint8Array(4 * 1024 * 1024);
    const puts = Array.from({ length: 40 }, (_, index) => engine.store.put(`k${index}`, value));
    const outcomes = Promise.allSettled(puts);
    await expect(puts.at(-1)).rejects.toMatchObject({
      ...unavailable,
      message: expect.stringMatching(/already wait for the server; try again later/),
    });
    taken.release();
    const done = (await outcomes).filter(({ status }) => status === 'fulfilled').length;
    expect(done).toBeGreaterThan(0);
    expect((await engine.store.list('', { limit: 1_000 })).length).toBeGreaterThan(0);
  });
});

describe('a host that stands still', () => {
  it('within its append holds up the others no longer than a third of the timeout', async () => {
    const schema = place.newSchema();
    const engine = await place.open(schema, { timeoutMs: 1_500 });
    // What a stopped process leaves behind on the server: a transaction that has counted and says nothing more.
    const stopped = await place.newPool({ max: 1 }).connect();
    stopped.on('error', () => {});
    await stopped.query(
      `BEGIN; SET LOCAL idle_in_transaction_session_timeout = 500; UPDATE ${schema}.scope SET log_size = log_size + 1`,
    );
    expect(await engine.log.append([bytes('x')])).toEqual({ first: 0 });
    stopped.release(true);
  });
});

/** Resolves when the server is within a COMMIT. */
async function committing(): Promise<void> {
  while (
    (await place.sql(`SELECT FROM pg_stat_activity WHERE query = 'COMMIT' AND state = 'active'`)).length === 0
  );
}

/** Calls until it fails otherwise than by a connection that was ended. */
async function untilRefused(call: () => Promise<unknown>): Promise<unknown> {
  while (true) {
    const error = await call().then(
      () => undefined,
      (thrown: unknown) => thrown,
    );
    if (error !== undefined && !String(error).includes('57P01')) return error;
  }
}
