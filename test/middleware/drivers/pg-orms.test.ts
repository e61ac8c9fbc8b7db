import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { slackwater, sqliteEngine } from '@slackwater/middleware';
import { AlreadyPerformedError } from '@slackwater/middleware/pg';
import { type PostgresServer, startPostgres } from '@slackwater/test-support/postgres';
import express from 'express';
import pg from 'pg';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { requestContext } from '../../../packages/middleware/src/request-context.ts';
import { eventually, post } from '../../e2e/orders-app.ts';
import { contextOf, type HeardCommits, hearCommits } from './commits.ts';
import { onDrizzle } from './orms/drizzle.ts';
import { onKnex } from './orms/knex.ts';
import { onKysely } from './orms/kysely.ts';
import { type OrmUnderTest, TakenBack, takenBack } from './orms/orm.ts';
import { onSequelize } from './orms/sequelize.ts';
import { onTypeorm } from './orms/typeorm.ts';

const max = 3;
let server: PostgresServer;
let operator: pg.Client;

beforeAll(async () => {
  server = await startPostgres();
  operator = new pg.Client({ connectionString: server.connectionString });
  await operator.connect();
  // The trigger refuses, at COMMIT, what is called so.
  await operator.query(`
    CREATE TABLE orders (id bigserial PRIMARY KEY, reference text NOT NULL);
    CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$
      BEGIN IF NEW.reference LIKE 'refused%' THEN RAISE EXCEPTION 'refused'; END IF; RETURN NULL; END $$;
    CREATE CONSTRAINT TRIGGER refuse AFTER INSERT ON orders DEFERRABLE INITIALLY DEFERRED
      FOR EACH ROW EXECUTE FUNCTION refuse();
  `);
});

afterAll(async () => {
  await operator.end();
  await server.stop();
});

function addressOf({ host, port, user, password, database }: PostgresServer) {
  return { host, port, user, password, database };
}

async function referencesLike(start: string): Promise<readonly string[]> {
  const { rows } = await operator.query(
    'SELECT reference FROM orders WHERE starts_with(reference, $1) ORDER BY id',
    [start],
  );
  return rows.map(({ reference }) => reference);
}

async function completionRows(key: string): Promise<readonly number[]> {
  const { rows } = await operator.query(
    'SELECT ordinal FROM slackwater_completions WHERE key = $1 ORDER BY ordinal',
    [key],
  );
  return rows.map(({ ordinal }) => ordinal);
}

const orms = [onKnex, onKysely, onDrizzle, onSequelize, onTypeorm];

describe.each(orms)('an application on $name, with one line', ({ name, start }) => {
  const partition = `orm ${name}`;
  let orm: OrmUnderTest;
  let heard: HeardCommits;

  beforeAll(async () => {
    orm = await start({ address: addressOf(server), partition, max });
    await orm.count('');
  });
  beforeEach(() => {
    heard = hearCommits(partition);
  });
  afterEach(() => heard.close());
  afterAll(() => orm.close());

  const summary = (): readonly string[] => heard.finished.map(({ kind, outcome }) => `${kind} ${outcome}`);

  it('shows a transaction as one explicit commit, in the request’s context', async () => {
    const context = contextOf();
    await requestContext.run(context, () => orm.transaction([`${name} a`, `${name} b`]));
    expect(summary()).toEqual(['explicit committed']);
    expect(heard.started).toEqual(heard.finished);
    expect(heard.finished[0]?.context).toBe(context);
    expect(context.written).toEqual([partition]);
  });

  it('shows a write outside a transaction as one autocommit', async () => {
    const context = contextOf();
    await requestContext.run(context, () => orm.insert(`${name} alone`));
    expect(summary()).toEqual(['autocommit committed']);
    expect(heard.finished[0]?.context).toBe(context);
  });

  it('shows nothing for reading, with or without a transaction', async () => {
    const context = contextOf();
    await requestContext.run(context, async () => {
      expect(await orm.count(`${name} nobody`)).toBe(0);
      await orm.readingTransaction();
    });
    expect(summary()).toEqual([]);
    expect(context.written).toEqual([]);
  });

  it('shows nothing for what is rolled back', async () => {
    await takenBack(() => orm.transaction([`${name} back`], () => Promise.reject(new TakenBack())));
    expect(summary()).toEqual([]);
    expect(await referencesLike(`${name} back`)).toEqual([]);
  });

  it('shows nothing for savepoints, released or rolled back to', async () => {
    await orm.nested(`${name} nested outer`, `${name} nested kept`, `${name} nested back`);
    expect(summary()).toEqual(['explicit committed']);
    expect(await referencesLike(`${name} nested`)).toEqual([`${name} nested outer`, `${name} nested kept`]);
  });

  it('shows a COMMIT that is refused as failed', async () => {
    await expect(orm.transaction([`refused ${name}`])).rejects.toThrow();
    expect(summary()).toEqual(['explicit failed']);
  });

  it('keeps the contexts of requests apart that wait for its pool at once', async () => {
    const contexts = Array.from({ length: 4 * max }, () => contextOf());
    await Promise.all(
      contexts.map((context, n) =>
        requestContext.run(context, () => orm.transaction([`${name} at once ${n}`])),
      ),
    );
    expect(new Set(heard.finished.map(({ context }) => context))).toEqual(new Set(contexts));
    expect(contexts.map(({ written }) => written)).toEqual(contexts.map(() => [partition]));
  });

  it('commits a completion row with the transaction, and lets nobody do it again', async () => {
    const key = `${name} once`;
    const attempt = (): Promise<unknown> =>
      requestContext.run(contextOf({ key }), () => orm.transaction([`${name} once`]));
    await attempt();
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    try {
      for (let n = 0; n < max; n++) {
        const again: unknown = await attempt().catch((error: unknown) => error);
        expect(isRefusal(again)).toBe(true);
      }
      // Some give a connection back whose BEGIN was refused; from others it is taken back.
      await vi.advanceTimersByTimeAsync(10_000);
    } finally {
      vi.useRealTimers();
    }
    for (let n = 0; n < 2 * max; n++) await orm.count('');
    expect(await completionRows(key)).toEqual([0]);
    expect(await referencesLike(key)).toHaveLength(1);
  });

  it('commits one with a write outside a transaction too', async () => {
    const key = `${name} write once`;
    const attempt = (): Promise<unknown> =>
      requestContext.run(contextOf({ key }), () => orm.insert(`${name} write once`));
    await attempt();
    await expect(attempt()).rejects.toThrow();
    expect(await completionRows(key)).toEqual([0]);
    expect(await referencesLike(key)).toHaveLength(1);
  });

  it('performs a deferred request once, with its completion row', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'slackwater-orm-'));
    const gate = slackwater({
      workTypes: { order: { priority: 1, thresholdMs: 20, whenOver: 'defer', deferWithoutAsking: true } },
      partition,
      requester: () => 'ann',
      engine: sqliteEngine({ directory }),
      // Seldom, so that what is sent is not by chance the probe.
      latency: { probeEveryMs: 60_000 },
      perform: { lookEveryMs: 50 },
      // Of a busy machine's disk.
      ledger: { engineTimeoutMs: 10_000 },
    });
    const app = express().use(gate).use(express.json());
    app.post('/probe', (_req, res) => void res.end());
    app.post('/orders', async (req, res) => {
      await orm.transaction([(req.body as { reference: string }).reference]);
      res.status(201).json({});
    });
    const http = createServer(app);
    await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
    const url = `http://127.0.0.1:${(http.address() as AddressInfo).port}`;
    try {
      await gate.start();
      const slow = (ms: number) =>
        gate.latency.commit(partition, () => new Promise((go) => setTimeout(go, ms)));
      await Promise.all(Array.from({ length: 6 }, () => slow(30)));
      await post(`${url}/probe`, {});
      const answer = await post(`${url}/orders`, { reference: `${name} deferred` });
      expect(answer.status).toBe(202);
      const { id } = (await answer.json()) as { id: string };
      for (let n = 0; n < 12; n++) await slow(0);
      await eventually(async () => expect((await gate.deferrals.find(id))?.status).toBe('Succeeded'));
      expect(await referencesLike(`${name} deferred`)).toHaveLength(1);
      const { rows } = await operator.query('SELECT 1 FROM slackwater_completions WHERE key LIKE $1', [
        `%${id}%`,
      ]);
      expect(rows).toHaveLength(1);
    } finally {
      http.closeAllConnections();
      http.close();
      await gate.close();
      rmSync(directory, { recursive: true, force: true });
    }
  });
});

/** ORMs hand the driver's error on, as it is, as the cause, or as what they call the original. */
function isRefusal(error: unknown): boolean {
  if (typeof error !== 'object' || error === null) return false;
  if (error instanceof AlreadyPerformedError) return true;
  return ['cause', 'parent', 'original', 'driverError'].some((name) => isRefusal(Reflect.get(error, name)));
}
