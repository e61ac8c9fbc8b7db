import { setTimeout as sleep } from 'node:timers/promises';
import { observe } from '@slackwater/middleware/mysql2';
import { freePort } from '@slackwater/test-support/free-port';
import { type MariadbServer, startMariadb } from '@slackwater/test-support/mariadb';
import { type NetworkProxy, startProxy } from '@slackwater/test-support/proxy';
import mysql from 'mysql2/promise';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import {
  type SourceContact,
  sourceContact,
  sourcesOf,
} from '../../../packages/middleware/src/drivers/driver.ts';
import { requestContext } from '../../../packages/middleware/src/request-context.ts';
import { contextOf } from './commits.ts';

let server: MariadbServer;
let proxy: NetworkProxy;
let told: string[];

const listen = (message: unknown): void => {
  const { partition, outcome } = message as SourceContact;
  if (partition === 'shared') told.push(outcome);
};

beforeAll(async () => {
  server = await startMariadb();
  proxy = await startProxy(`${server.host}:${server.port}`);
});
afterAll(async () => {
  await proxy.stop();
  await server.stop();
});
beforeEach(() => {
  told = [];
  sourceContact.subscribe(listen);
});
afterEach(() => {
  sourceContact.unsubscribe(listen);
});

function addressOf(options: mysql.PoolOptions): mysql.PoolOptions {
  const { host, port, user, password, database } = server;
  return { host, port, user, password, database, ...options };
}

function poolOf(options: mysql.PoolOptions): mysql.Pool {
  const pool = mysql.createPool(addressOf(options));
  observe(pool, { partition: 'shared' });
  return pool;
}

const postponable = <T>(work: () => T): T => requestContext.run(contextOf({ postponable: true }), work);
const exempt = <T>(work: () => T): T => requestContext.run(contextOf({ postponable: false }), work);

describe('the connections of an observed mysql2 pool', () => {
  it('leave the last one to work that may not be postponed, and tell who waits', async () => {
    const pool = poolOf({ connectionLimit: 3 });
    const take = () => postponable(() => pool.getConnection());
    const held = await Promise.all([take(), take()]);
    let third: mysql.PoolConnection | undefined;
    const waiting = take().then((connection) => {
      third = connection;
    });
    const [rows] = await exempt(() => pool.query('SELECT 1 AS one'));
    expect(rows).toEqual([{ one: 1 }]);
    await requestContext.exit(() => pool.query('SELECT 1'));
    await sleep(20);
    expect(third).toBeUndefined();
    expect(sourcesOf('shared')[0]).toMatchObject({ driver: 'mysql2', connections: 3 });
    expect(sourcesOf('shared')[0]?.waiting?.()).toBe(1);
    expect(sourcesOf('shared')[0]?.server).toBe(`localhost:${server.port}`);
    held[0]?.release();
    await waiting;
    third?.destroy();
    const again = await take();
    again.release();
    held[1]?.release();
    expect(sourcesOf('shared')[0]?.waiting?.()).toBe(0);
    await pool.end();
    expect(sourcesOf('shared')).toEqual([]);
  });

  it('never make a request wait for itself', async () => {
    const pool = poolOf({ connectionLimit: 2 });
    await postponable(async () => {
      const first = await pool.getConnection();
      const second = await pool.getConnection();
      second.release();
      first.release();
    });
    await pool.end();
  });

  it('are counted once where mysql2 asks again for who waits, as a connection was given up', async () => {
    const pool = poolOf({ connectionLimit: 2 });
    const take = () => postponable(() => pool.getConnection());
    for (let round = 0; round < 3; round++) {
      const [one, other] = await Promise.all([1, 2].map(() => exempt(() => pool.getConnection())));
      const waiting = take();
      await sleep(1);
      postponable(() => one?.destroy());
      (await waiting).destroy();
      other?.release();
    }
    const last = await take();
    expect(sourcesOf('shared')[0]?.waiting?.()).toBe(0);
    last.release();
    await pool.end();
  });

  it("are refused in mysql2's own words where the pool lets nobody wait, or no more", async () => {
    const impatient = poolOf({ connectionLimit: 2, waitForConnections: false });
    const held = await postponable(() => impatient.getConnection());
    await expect(postponable(() => impatient.query('SELECT 1'))).rejects.toThrow('No connections available.');
    held.release();
    await impatient.end();
    const short = poolOf({ connectionLimit: 2, queueLimit: 1 });
    const first = await postponable(() => short.getConnection());
    const second = postponable(() => short.getConnection());
    await expect(postponable(() => short.getConnection())).rejects.toThrow('Queue limit reached.');
    first.release();
    (await second).release();
    await short.end();
  });

  it('answer who waits where the pool is ended', async () => {
    const pool = poolOf({ connectionLimit: 2 });
    const held = await postponable(() => pool.getConnection());
    const waiting = postponable(() => pool.getConnection());
    const refused = expect(waiting).rejects.toThrow('Pool is closed.');
    await pool.end();
    await refused;
    held.destroy();
  });
});

describe('an observed mysql2 pool tells whether its database can be reached', () => {
  it('where a connection is made, and lost', async () => {
    const pool = poolOf({ port: proxy.port });
    await pool.query('SELECT 1');
    expect(told).toEqual(['reached']);
    proxy.drop();
    await vi.waitFor(() => expect(told).toEqual(['reached', 'lost']), 30_000);
    await pool.query('SELECT 1');
    expect(told).toEqual(['reached', 'lost', 'reached']);
    await pool.end();
    expect(told).toHaveLength(3);
  });

  it('where nobody listens, or nobody answers in time', async () => {
    const nobody = poolOf({ port: await freePort() });
    await expect(nobody.query('SELECT 1')).rejects.toMatchObject({ code: 'ECONNREFUSED' });
    expect(told).toEqual(['refused']);
    await nobody.end();
    proxy.stall();
    const late = poolOf({ port: proxy.port, connectTimeout: 50 });
    await expect(late.query('SELECT 1')).rejects.toMatchObject({ code: 'ETIMEDOUT' });
    expect(told).toEqual(['refused', 'timed-out']);
    await late.end();
    await proxy.heal();
  });

  it('and says nothing where the database answers and does not want this caller, or the pool is full', async () => {
    const stranger = poolOf({ password: 'wrong' });
    await expect(stranger.query('SELECT 1')).rejects.toMatchObject({ errno: 1045 });
    await stranger.end();
    const full = poolOf({ connectionLimit: 1, waitForConnections: false });
    const held = await full.getConnection();
    await expect(full.query('SELECT 1')).rejects.toThrow('No connections available.');
    held.destroy();
    await full.end();
    expect(told).toEqual(['reached']);
  });

  it('as a single connection does', async () => {
    const connection = mysql.createConnection(addressOf({ port: proxy.port }));
    const made = await connection;
    observe(made, { partition: 'shared' });
    made.on('error', () => {});
    const answer = made.query('DO SLEEP(60)').catch((error: Error) => error);
    proxy.drop();
    expect(await answer).toBeInstanceOf(Error);
    expect(told).toEqual(['lost']);
    expect(() => observe(made, { partition: 'shared' })).not.toThrow();
  });
});
