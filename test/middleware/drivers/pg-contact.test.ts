import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { observe } from '@slackwater/middleware/pg';
import { type PostgresServer, startPostgres } from '@slackwater/test-support/postgres';
import { type NetworkProxy, startProxy } from '@slackwater/test-support/proxy';
import pg from 'pg';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { type SourceContact, sourcesOf } from '../../../packages/middleware/src/drivers/driver.ts';
import { contactFailure } from '../../../packages/middleware/src/drivers/pg-contact.ts';

let server: PostgresServer;
let proxy: NetworkProxy;
let pool: pg.Pool;
let told: SourceContact['outcome'][];
let part = 0;
const hear = (message: unknown): number => told.push((message as SourceContact).outcome);

beforeAll(async () => {
  server = await startPostgres();
  proxy = await startProxy(`${server.host}:${server.port}`);
});
afterAll(async () => {
  await proxy.stop();
  await server.stop();
});

function open(more: pg.PoolConfig = {}): pg.Pool {
  const { user, password, database } = server;
  pool = new pg.Pool({ host: proxy.host, port: proxy.port, user, password, database, max: 2, ...more });
  pool.on('error', () => {});
  observe(pool, { partition: `contact ${++part}` });
  return pool;
}

describe('an observed pool tells whether its database can be reached', () => {
  beforeEach(() => {
    told = [];
    subscribe('slackwater:source:contact', hear);
  });
  afterEach(async () => {
    unsubscribe('slackwater:source:contact', hear);
    await proxy.heal();
    await pool.end();
  });

  it('once for each connection that is made, lost or refused', async () => {
    open();
    await pool.query('SELECT 1');
    await pool.query('SELECT 1');
    expect(told).toEqual(['reached']);
    await proxy.cut();
    await vi.waitFor(() => expect(told).toEqual(['reached', 'lost']), { timeout: 30_000 });
    await expect(pool.query('SELECT 1')).rejects.toThrow();
    await expect(pool.connect()).rejects.toThrow();
    expect(told.slice(2)).toEqual(['refused', 'refused']);
    await proxy.heal();
    await pool.query('SELECT 1');
    expect(told.slice(4)).toEqual(['reached']);
  });

  it('also where a connection is lost while a statement is under way', async () => {
    open();
    const client = await pool.connect();
    client.on('error', () => {});
    const answer = client.query('SELECT pg_sleep(60)').catch((error: Error) => error.message);
    proxy.drop();
    await answer;
    await vi.waitFor(() => expect(told).toEqual(['reached', 'lost']), { timeout: 30_000 });
    client.release(true);
  });

  it('where nobody answers a new connection in time', async () => {
    open({ connectionTimeoutMillis: 50 });
    proxy.stall();
    await expect(pool.query('SELECT 1')).rejects.toThrow();
    expect(told).toEqual(['timed-out']);
  });

  it('and says nothing of connections that are ended, or of a full pool', async () => {
    open({ max: 1, connectionTimeoutMillis: 400 });
    const client = await pool.connect();
    await expect(pool.connect()).rejects.toThrow('timeout exceeded');
    client.release(true);
    expect(told).toEqual(['reached']);
  });

  it('and says nothing where the database answers and does not want this caller', async () => {
    open({ password: 'wrong' });
    await expect(pool.query('SELECT 1')).rejects.toMatchObject({ code: '28P01' });
    expect(told).toEqual([]);
  });

  it('and how many wait for a connection', async () => {
    open({ max: 1 });
    const client = await pool.connect();
    const waiting = [pool.query('SELECT 1'), pool.query('SELECT 1')];
    expect(sourcesOf(`contact ${part}`)[0]?.waiting?.()).toBe(2);
    client.release();
    await Promise.all(waiting);
    expect(sourcesOf(`contact ${part}`)[0]?.waiting?.()).toBe(0);
  });
});

describe('what the failure of a new connection says', () => {
  it.each([
    [{ code: 'ECONNREFUSED' }, 'refused'],
    [{ code: '57P03', message: 'the database system is starting up' }, 'refused'],
    [{ code: '53300', message: 'sorry, too many clients already' }, 'refused'],
    [{ code: 'ETIMEDOUT' }, 'timed-out'],
    [{ code: '3D000', message: 'database "x" does not exist' }, undefined],
    [{ message: 'timeout exceeded when trying to connect' }, undefined],
    [undefined, undefined],
    ['text', undefined],
  ])('%j is %s', (error, meaning) => {
    expect(contactFailure(error)).toBe(meaning);
  });
});
