import { describe, expect, it } from 'vitest';
import { systemClock } from '../../../../packages/middleware/src/clock.ts';
import { grantsSql, schemaSql } from '../../../../packages/middleware/src/engines/postgres/schema.ts';
import { bytes, scope } from '../../../contracts/engine-under-test.ts';
import { documentedGrants, documentedTables } from './documented-schema.ts';
import { usePostgres } from './place.ts';

const place = usePostgres();

const opening = (schema: string, more = {}) =>
  place.newEngine(schema, { ensure: false, ...more }).open({ ...scope, clock: systemClock });

describe('the schema', () => {
  it('is in the documents as the engine makes it, and the grants as it needs them', () => {
    const unquoted = (sql: string) => sql.replaceAll('"slackwater"', 'slackwater').replaceAll('"app"', 'app');
    expect(documentedTables('slackwater')).toBe(unquoted(schemaSql('slackwater')));
    expect(documentedGrants('slackwater', 'app')).toBe(unquoted(grantsSql('slackwater', 'app')));
  });

  it('is made once by hosts that start at once', async () => {
    const schema = place.newSchema();
    const engines = await Promise.all([1, 2, 3, 4].map(() => place.open(schema)));
    const firsts = await Promise.all(engines.map(({ log }) => log.append([bytes('here')])));
    expect(firsts.map(({ first }) => first).toSorted()).toEqual([0, 1, 2, 3]);
  });

  it('is made where an operator has made it and left it empty', async () => {
    const schema = place.newSchema();
    await place.sql(`CREATE SCHEMA ${schema}`);
    expect(await (await place.open(schema)).log.size()).toBe(0);
  });

  it('is not made unless that is asked for, and the refusal says how', async () => {
    const schema = place.newSchema();
    await expect(opening(schema)).rejects.toMatchObject({
      code: 'engine-unavailable',
      fate: 'none',
      message: expect.stringMatching(/there is no such schema.*postgres-engine-schema\.md.*ensure: true/),
    });
    expect(await place.sql('SELECT FROM pg_namespace WHERE nspname = $1', [schema])).toEqual([]);
  });

  it('is refused where it holds somebody else’s tables', async () => {
    const schema = place.newSchema();
    await place.sql(`CREATE SCHEMA ${schema}; CREATE TABLE ${schema}.orders (id integer)`);
    await expect(place.open(schema)).rejects.toMatchObject({
      code: 'engine-corrupt',
      message: expect.stringMatching(/tables that are not Slackwater.*option schema/),
    });
  });

  it('is refused where a newer version made it', async () => {
    const schema = place.newSchema();
    await place.open(schema);
    await place.sql(`UPDATE ${schema}.slackwater_version SET version = 3`);
    await expect(place.open(schema)).rejects.toMatchObject({
      code: 'engine-unavailable',
      message: expect.stringMatching(/version 3.*knows 2.*update the package/),
    });
  });

  it('is refused where a table of it would not survive a crash', async () => {
    const schema = place.newSchema();
    await place.open(schema);
    await place.sql(`ALTER TABLE ${schema}.queue SET UNLOGGED`);
    await expect(place.open(schema)).rejects.toMatchObject({
      code: 'engine-corrupt',
      message: expect.stringContaining(`ALTER TABLE "${schema}"."queue" SET LOGGED`),
    });
  });
});

describe('the application’s role', () => {
  it('is told what to be granted while it lacks it', async () => {
    const schema = place.newSchema();
    await place.sql(documentedTables(schema));
    const engine = place.newLeastEngine(schema, place.newLeastPool());
    const open = () => engine.open({ ...scope, clock: systemClock });
    await expect(open()).rejects.toMatchObject({
      code: 'engine-unavailable',
      message: expect.stringMatching(/GRANT USAGE ON SCHEMA .* TO "least"/),
    });
    await place.sql(`GRANT USAGE ON SCHEMA ${schema} TO least`);
    await expect(open()).rejects.toMatchObject({
      code: 'engine-unavailable',
      message: expect.stringMatching(/lacks a permission; grant .*docs\/engines\.md/),
    });
    await place.sql(documentedGrants(schema, 'least'));
    const opened = await open();
    expect(await opened.log.append([bytes('granted')])).toEqual({ first: 0 });
    await place.sql(`REVOKE INSERT ON ${schema}.log FROM least`);
    await expect(opened.log.append([bytes('revoked')])).rejects.toMatchObject({
      code: 'engine-unavailable',
      fate: 'none',
    });
    expect(await opened.log.size()).toBe(1);
    await place.sql(documentedGrants(schema, 'least'));
    expect(await opened.log.append([bytes('granted again')])).toEqual({ first: 1 });
    await opened.close();
  });

  it('can neither change nor take away what is in the log', async () => {
    const schema = place.newSchema();
    await place.migrate(schema);
    const pool = place.newLeastPool();
    const opened = await place.newLeastEngine(schema, pool).open({ ...scope, clock: systemClock });
    await opened.log.append([bytes('stays')]);
    await opened.close();
    for (const sql of [
      `UPDATE ${schema}.log SET entry = ''`,
      `DELETE FROM ${schema}.log`,
      `TRUNCATE ${schema}.log`,
      `DROP TABLE ${schema}.log`,
      `CREATE TABLE ${schema}.more (id integer)`,
    ]) {
      await expect(pool.query(sql)).rejects.toMatchObject({ code: '42501' });
    }
  });
});

describe('the server', () => {
  async function withSetting(name: string, value: string, body: () => Promise<void>): Promise<void> {
    const set = async (sql: string) => {
      await place.sql(sql);
      await place.sql('SELECT pg_reload_conf()');
      // A setting is there when a connection has heard of it.
      const pool = place.newPool({ max: 1 });
      const expected = sql.includes('RESET') ? 'on' : value;
      while ((await pool.query(`SHOW ${name}`)).rows[0]?.[name] !== expected);
    };
    await set(`ALTER SYSTEM SET ${name} = ${value}`);
    try {
      await body();
    } finally {
      await set(`ALTER SYSTEM RESET ${name}`);
    }
  }

  it('is refused where it does not sync', async () => {
    await withSetting('fsync', 'off', async () => {
      await expect(place.open(place.newSchema())).rejects.toMatchObject({
        code: 'engine-unavailable',
        message: expect.stringMatching(/fsync = off.*set fsync = on/),
      });
    });
  });

  it('is refused where the database can’t hold every name', async () => {
    await place.sql(`CREATE DATABASE latin ENCODING 'LATIN1' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0`);
    const { host, port, user, password } = place.server;
    const pool = place.newPool({
      connectionString: undefined,
      host,
      port,
      user,
      password,
      database: 'latin',
    });
    await expect(place.open(place.newSchema(), { pool })).rejects.toMatchObject({
      code: 'engine-unavailable',
      message: expect.stringMatching(/encoded in LATIN1.*ENCODING 'UTF8'/),
    });
  });

  it('is told of where it does not write whole pages', async () => {
    await withSetting('full_page_writes', 'off', async () => {
      const troubles: string[] = [];
      const engine = place.newEngine(place.newSchema());
      const onTrouble = (_doing: string, error: unknown) => troubles.push(String(error));
      await (await engine.open({ ...scope, clock: systemClock, onTrouble })).close();
      expect(troubles).toEqual([expect.stringMatching(/full_page_writes = off.*ZFS/)]);
    });
  });

  it('syncs each commit, whatever the role’s default is, and keeps the one that waits for standbys', async () => {
    const schema = place.newSchema();
    await place.open(schema);
    await place.sql(`CREATE TABLE ${schema}_seen (setting text)`);
    await place.sql(`
      CREATE FUNCTION ${schema}_see() RETURNS trigger LANGUAGE plpgsql AS $$
      BEGIN INSERT INTO ${schema}_seen VALUES (current_setting('synchronous_commit')); RETURN NULL; END $$;
      CREATE TRIGGER see AFTER INSERT ON ${schema}.log EXECUTE FUNCTION ${schema}_see()`);
    for (const [byDefault, expected] of [
      ['off', 'on'],
      ['local', 'on'],
      ['remote_write', 'on'],
      ['remote_apply', 'remote_apply'],
    ]) {
      const pool = place.newPool({ max: 1, options: `-c synchronous_commit=${byDefault}` });
      await (await place.open(schema, { pool })).log.append([bytes('x')]);
      expect(await place.sql(`SELECT setting FROM ${schema}_seen`)).toEqual([{ setting: expected }]);
      await place.sql(`TRUNCATE ${schema}_seen`);
      expect((await pool.query('SHOW synchronous_commit')).rows).toEqual([{ synchronous_commit: byDefault }]);
    }
  });
});
