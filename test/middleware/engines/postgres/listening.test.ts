import type pg from 'pg';
import { afterEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../../../packages/middleware/src/clock.ts';
import type { Engine, OpenEngine } from '../../../../packages/middleware/src/engines/engine.ts';
import { channelOf } from '../../../../packages/middleware/src/engines/postgres/news.ts';
import { bytes, scope } from '../../../contracts/engine-under-test.ts';
import { until } from '../../perform/until.ts';
import { usePostgres } from './place.ts';
import { startTransactionPooler } from './transaction-pooler.ts';

const place = usePostgres();
const open: OpenEngine[] = [];

afterEach(async () => {
  await Promise.all(open.splice(0).map((engine) => engine.close()));
});

/** A host and what it heard of the others, in order. */
interface Host {
  readonly engine: OpenEngine;
  readonly heard: string[];
  readonly troubles: string[];
}

async function openHost(engine: Engine, listens = true): Promise<Host> {
  const heard: string[] = [];
  const troubles: string[] = [];
  const opened = await engine.open({
    ...scope,
    clock: systemClock,
    onTrouble: (doing, error) => troubles.push(`${doing}: ${String(error)}`),
  });
  open.push(opened);
  if (listens) {
    opened.listen?.({
      keyPrefix: 'deferral/',
      enqueued: (partition) => heard.push(partition),
      due: (at) => heard.push(`due at ${at}`),
      changed: (key) => heard.push(key),
    });
  }
  return { engine: opened, heard, troubles };
}

async function hearing(...engines: readonly Engine[]): Promise<readonly Host[]> {
  const hosts = await Promise.all(engines.map((engine) => openHost(engine)));
  for (const host of hosts) await until(() => host.engine.status?.().listening === true);
  return hosts;
}

async function twoHosts(): Promise<readonly [Host, Host]> {
  const schema = place.newSchema();
  // One after the other: the first makes the schema.
  const [one] = await hearing(place.newEngine(schema));
  const [other] = await hearing(place.newEngine(schema));
  if (one === undefined || other === undefined) throw new Error('There are no two hosts.');
  return [one, other];
}

const item = (id: string, partition: string) => ({ id, partition, priority: 1, position: 0 });

/** The processes of the server that have told what they listen to. */
async function listeners(): Promise<readonly number[]> {
  const rows = await place.sql(
    "SELECT pid FROM pg_stat_activity WHERE application_name = 'listening-test' AND query ~ 'LISTEN|pg_notify'",
  );
  return rows.map(({ pid }) => Number(pid));
}

const named = (): { pool: pg.Pool } => ({ pool: place.newPool({ application_name: 'listening-test' }) });

describe('hosts on PostgreSQL', () => {
  it('hear at once which partition has a new item and which key has changed, of the others alone', async () => {
    const [one, other] = await twoHosts();
    await one.engine.queue.enqueue(item('a', 'orders'));
    await until(() => other.heard.length === 1);
    await one.engine.store.create('deferral/a', bytes('1'));
    await one.engine.store.put('outcome/a/1', bytes('1'));
    await one.engine.store.put('deferral/a', bytes('2'));
    const stored = await one.engine.store.get('deferral/a');
    await one.engine.store.update('deferral/a', bytes('3'), stored?.revision ?? 0);
    await one.engine.store.update('deferral/a', bytes('4'), stored?.revision ?? 0);
    await other.engine.queue.enqueue(item('b', 'stock'));
    await until(() => one.heard.length === 1);
    expect(one.heard).toEqual(['stock']);
    await until(() => other.heard.length >= 2);
    // Changed twice, told once or twice; what is created nobody waits for yet.
    expect([...new Set(other.heard)]).toEqual(['orders', 'deferral/a']);
  });

  it('hear when an item that one of them put back is due, from who held it alone', async () => {
    const [one, other] = await twoHosts();
    await one.engine.queue.enqueue(item('a', 'orders'));
    const [claim] = await one.engine.queue.claim({
      ...{ partition: 'orders', limit: 1, leaseMs: 10_000, holder: 'one' },
    });
    const token = claim?.token ?? 0;
    await one.engine.queue.postpone('a', token + 1, 1_000);
    await one.engine.queue.postpone('a', token, 2_000);
    await until(() => other.heard.some((news) => news.startsWith('due')));
    expect(other.heard).toEqual(['orders', 'due at 2000']);
  });

  it('are told nothing of an item that is known already or not due', async () => {
    const [one, other] = await twoHosts();
    await one.engine.queue.enqueue({ ...item('later', 'later'), notBefore: Date.now() + 60_000 });
    await one.engine.queue.enqueue(item('a', 'first'));
    await until(() => other.heard.includes('first'));
    await one.engine.queue.enqueue(item('a', 'known'));
    await one.engine.queue.enqueue(item('b', 'last'));
    await until(() => other.heard.includes('last'));
    expect(other.heard).toEqual(['first', 'last']);
  });

  it('are told of more than one notification holds, and of names that no text of the server could hold', async () => {
    const [one, other] = await twoHosts();
    const odd = ['\0', '\ud800', `"${'\\'.repeat(1_000)}`, '\u{1f30a}'.repeat(512), '\ud800'.repeat(1_024)];
    const many = Array.from({ length: 400 }, (_, i) => `${'p'.repeat(50)}${i}`);
    await Promise.all([...odd, ...many].map((name, i) => one.engine.queue.enqueue(item(`${i}`, name))));
    await until(() => new Set(other.heard).size === odd.length + many.length);
    expect(new Set(other.heard)).toEqual(new Set([...odd, ...many]));
  });

  it('take no notice of what somebody else says on their channel', async () => {
    const schema = place.newSchema();
    const [one] = await hearing(place.newEngine(schema));
    const [other] = await hearing(place.newEngine(schema));
    const [{ id } = {}] = await place.sql(`SELECT id FROM ${schema}.scope`);
    const channel = channelOf(schema, Number(id));
    const said = [
      '',
      'null',
      '[]',
      '{}',
      '["x",[1],[]]',
      '["x","y","z"]',
      '["x",[""],[""]]',
      'x'.repeat(7_000),
    ];
    for (const payload of [...said, JSON.stringify(['stranger', ['orders'], []])])
      await place.sql('SELECT pg_notify($1, $2)', [channel, payload]);
    await one?.engine.queue.enqueue(item('a', 'stock'));
    await until(() => other?.heard.includes('stock') === true);
    // Who says it as a host does is believed: that costs a look and nothing else.
    expect(other?.heard).toEqual(['orders', 'stock']);
    expect(other?.troubles).toEqual([]);
  });

  it('go on by looking when the connection that listens is ended, say so once, and listen again', async () => {
    const schema = place.newSchema();
    const [one] = await hearing(place.newEngine(schema));
    const [other] = await hearing(place.newEngine(schema, named()));
    if (one === undefined || other === undefined) return;
    const lost = await listeners();
    expect(lost).toHaveLength(1);
    await place.sql('SELECT pg_terminate_backend($1)', [lost[0]]);
    await until(() => other.troubles.length > 0);
    await one.engine.queue.enqueue(item('a', 'unheard'));
    expect(
      await other.engine.queue.claim({ partition: 'unheard', limit: 1, leaseMs: 1_000, holder: 'other' }),
    ).toHaveLength(1);
    await until(() => other.engine.status?.().listening === true);
    await one.engine.queue.enqueue(item('b', 'heard'));
    await until(() => other.heard.includes('heard'));
    expect(other.troubles).toEqual([expect.stringMatching(/^listening to other hosts: .*57P01/)]);
    expect(await listeners()).not.toEqual(lost);
  });

  it('listen again when the server was away, and share it meanwhile with nobody', async () => {
    const [one, other] = await twoHosts();
    await place.server.kill();
    try {
      await until(() => other.troubles.some((trouble) => trouble.startsWith('listening')));
      expect(other.engine.status?.().listening).toBe(false);
      await expect(one.engine.queue.enqueue(item('a', 'gone'))).rejects.toThrow();
      expect(one.engine.status?.()).toMatchObject({ connected: false });
    } finally {
      await place.server.restart();
    }
    for (const host of [one, other]) await until(() => host.engine.status?.().listening === true);
    await one.engine.queue.enqueue(item('b', 'back'));
    await until(() => other.heard.includes('back'));
    expect(one.engine.status?.()).toEqual({ connected: true, behind: 0, listening: true });
    expect(other.troubles.filter((trouble) => trouble.startsWith('listening'))).toHaveLength(1);
  });

  it('behind a pooler of transactions work by looking, and are told once to say so', async () => {
    const schema = place.newSchema();
    const [one] = await hearing(place.newEngine(schema));
    const pooler = await startTransactionPooler(place.server);
    try {
      const { host, port } = pooler;
      const { user, password, database } = place.server;
      const pool = place.newPool({ connectionString: undefined, host, port, user, password, database });
      const pooled = await openHost(place.newEngine(schema, { pool, timeoutMs: 1_000 }));
      await until(() => pooled.troubles.length > 0);
      expect(pooled.troubles).toEqual([expect.stringMatching(/pools transactions; .*listen: false/)]);
      expect(pooled.engine.status?.()).toEqual({ connected: true, behind: 0, listening: false });
      await one?.engine.queue.enqueue(item('a', 'orders'));
      expect(
        await pooled.engine.queue.claim({ partition: 'orders', limit: 1, leaseMs: 1_000, holder: 'pooled' }),
      ).toHaveLength(1);
      await pooled.engine.close();
      await pool.end();
    } finally {
      await pooler.stop();
    }
  });

  it('have one connection beside the pool for it, whatever that is busy with, until they close', async () => {
    const schema = place.newSchema();
    const [one] = await hearing(place.newEngine(schema));
    const pool = place.newPool({ max: 1, application_name: 'listening-test' });
    const [other] = await hearing(place.newEngine(schema, { pool }));
    const busy = await pool.connect();
    try {
      await one?.engine.queue.enqueue(item('a', 'orders'));
      await until(() => other?.heard.includes('orders') === true);
    } finally {
      busy.release();
    }
    expect(await listeners()).toHaveLength(1);
    await other?.engine.close();
    await until(async () => (await listeners()).length === 0);
  });

  it('have none where nobody asked to hear, or the option listen says so', async () => {
    const schema = place.newSchema();
    await hearing(place.newEngine(schema));
    const asked = await openHost(place.newEngine(schema, { ...named(), listen: false }));
    expect(asked.engine.listen).toBeUndefined();
    expect(asked.engine.status?.()).toEqual({ connected: true, behind: 0 });
    const silent = await openHost(place.newEngine(schema, named()), false);
    expect(silent.engine.status?.()).toEqual({ connected: true, behind: 0 });
    expect(await listeners()).toEqual([]);
  });
});
