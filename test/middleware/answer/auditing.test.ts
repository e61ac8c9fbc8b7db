import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { type Gate, sqliteEngine } from '@slackwater/middleware';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { auth, claims, signed } from '../audit/issuer.ts';
import { type GatedApp, overload, partition, patiently, serve } from './gated-app.ts';

const patientMs = 30_000;
const asking = { prefer: 'respond-async', 'x-customer': 'ann' };

let directory: string;
let app: GatedApp;
let done: string[];

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'slackwater-auditing-'));
  done = [];
});

afterEach(async () => {
  await app.close();
  rmSync(directory, { recursive: true, force: true });
});

async function open(): Promise<Gate> {
  let made: Gate | undefined;
  app = await serve(
    (express, gate) => {
      made = gate;
      express.use(gate);
      express.post('/orders/:id', async (req, res) => {
        done.push(req.params.id);
        await gate.latency.commit(partition, async () => {});
        res.status(201).json({ id: req.params.id });
      });
    },
    { engine: sqliteEngine({ directory }), auth },
  );
  if (made === undefined) throw new Error('no gate');
  return made;
}

async function look(path: string): Promise<Record<string, unknown>> {
  const scope = 'audit:read audit:reveal admin';
  const headers = { authorization: `Bearer ${signed(claims(Date.now(), scope))}` };
  const answer = await fetch(`${app.url}/slackwater${path}`, { headers });
  const text = await answer.text();
  return answer.headers.get('content-type')?.includes('json') ? JSON.parse(text) : { text };
}

/** Has an order deferred, which waits while the partition is over. */
async function deferred(id: string): Promise<string> {
  const answer = await patiently(`${app.url}/orders/${id}`, { card: '4111' }, asking);
  expect(answer.status).toBe(202);
  return ((await answer.json()) as { id: string }).id;
}

/** Commits are quick again, until the condition holds. */
async function healed(gate: Gate, condition: () => Promise<boolean>): Promise<void> {
  const deadline = performance.now() + patientMs;
  while (!(await condition())) {
    expect(performance.now()).toBeLessThan(deadline);
    await gate.latency.commit(partition, async () => {});
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

function onDisk(work: (database: DatabaseSync) => void): void {
  const database = new DatabaseSync(join(directory, 'slackwater.db'), { timeout: 30_000 });
  try {
    database.exec('PRAGMA busy_timeout = 30000');
    work(database);
  } finally {
    database.close();
  }
}

function flipMiddle(database: DatabaseSync, key: string): void {
  const row = database.prepare('SELECT value FROM store_1 WHERE key = ?').get(key);
  const value = Buffer.from(row?.['value'] as Uint8Array);
  value.writeUInt8(value.readUInt8(value.length >> 1) ^ 1, value.length >> 1);
  database.prepare('UPDATE store_1 SET value = ? WHERE key = ?').run(value, key);
}

const isAt = (id: string, phase: string) => async (): Promise<boolean> =>
  (await look(`/deferrals/${id}`))['phase'] === phase;

describe('an audit', () => {
  it('says the same of first records and lives when every cache and index was deleted (B-29)', async () => {
    const gate = await open();
    await overload(app);
    const ids = [await deferred('one'), await deferred('two')];
    for (const id of ids) await healed(gate, isAt(id, 'settled'));
    const paths = ids.flatMap((id) => [
      `/deferrals/${id}/record`,
      `/deferrals/${id}/entries`,
      `/deferrals/${id}/mapping`,
      `/deferrals/${id}`,
    ]);
    const asked = async (): Promise<unknown[]> => {
      const answers = await Promise.all([...paths, '/deferrals', '/deferrals/counts?by=phase'].map(look));
      // A receipt is fresh each time.
      return answers.map(({ receipt, ...rest }) => rest);
    };
    const before = await asked();
    expect(before[0]).toMatchObject({ id: ids[0], entry: expect.stringContaining('"type":"accepted"') });
    await app.close();
    onDisk((database) => {
      const { changes } = database
        .prepare(
          "DELETE FROM store_1 WHERE key LIKE 'deferral/%' OR key LIKE 'recovery/%' OR key LIKE 'tile/%'",
        )
        .run();
      expect(Number(changes)).toBeGreaterThan(2);
    });
    const indexes = readdirSync(directory).filter((name) => name.startsWith('index-'));
    expect(indexes.length).toBeGreaterThan(0);
    for (const name of indexes) rmSync(join(directory, name));
    await open();
    expect(await asked()).toEqual(before);
  });

  it.each([
    ['altered', flipMiddle],
    [
      'missing',
      (database: DatabaseSync, key: string) => database.prepare('DELETE FROM store_1 WHERE key = ?').run(key),
    ],
  ])(
    'marks a deferral corrupt whose second record is %s, tells of it, and never performs it (B-26)',
    async (state, harm) => {
      const gate = await open();
      const told: unknown[] = [];
      gate.on('corrupt', (event) => told.push(event));
      await overload(app);
      const [bad, good] = [await deferred('bad'), await deferred('good')];
      const mapping = await look(`/deferrals/${bad}/mapping`);
      expect(mapping).toMatchObject({ second: { key: `payload/${bad}`, state: 'intact' } });
      onDisk((database) => harm(database, `payload/${bad}`));
      await healed(gate, isAt(bad, 'parked'));
      await healed(gate, isAt(good, 'settled'));
      expect(done).toEqual(['good']);
      expect(told).toMatchObject([
        { id: bad, partition, workType: 'order', message: expect.stringContaining(bad) },
      ]);
      expect(await look('/deferrals?corrupt=true')).toMatchObject({
        deferrals: [{ id: bad, phase: 'parked', corrupt: true, error: { code: 'record-corrupt' } }],
      });
      expect(await look(`/deferrals/${bad}/mapping`)).toMatchObject({ second: { state } });
      expect(await look('/health')).toMatchObject({ index: { corrupt: 1, behind: 0 } });
      expect((await look('/metrics'))['text']).toMatch(/^slackwater_deferrals_corrupt\{group="main"\} 1$/m);
    },
  );

  it('finds either record of a request from the other (B-23), and says which were read to implement it (B-10)', async () => {
    const gate = await open();
    await overload(app);
    const id = await deferred('mapped');
    await healed(gate, isAt(id, 'settled'));
    const mapping = await look(`/deferrals/${id}/mapping`);
    expect(mapping).toMatchObject({ id, first: { position: 0 }, second: { state: 'intact' } });
    expect(await look(`/mapping?record=payload/${id}`)).toEqual(mapping);
    expect(await look('/mapping?position=0')).toEqual(mapping);
    expect(await gate.audit.mapping(id)).toEqual(mapping);
    expect(await look('/mapping?position=1')).toMatchObject({ code: 'not-found' });
    expect(await look('/mapping?position=99')).toMatchObject({ code: 'not-found' });
    expect(await look(`/mapping?record=deferral/${id}`)).toMatchObject({ code: 'parameter-invalid' });
    const entries = (await gate.audit.entries(id)).map(({ bytes }) =>
      JSON.parse(Buffer.from(bytes).toString()),
    );
    expect(entries.at(-1)).toMatchObject({ type: 'performed', readFrom: ['mapping', 'first', 'second'] });
  });

  it('records who reveals what, and what for, before it is shown, and shows nothing where that fails (B-30)', async () => {
    const gate = await open();
    await overload(app);
    const id = await deferred('secret');
    const revealed = await look(`/deferrals/${id}/record?reveal=body%20/card&purpose=chargeback%2017`);
    expect(revealed).toMatchObject({ id, revealed: [{ name: 'body /card', value: '4111' }] });
    const code = await gate.audit.reveal(id, {
      parameters: ['path'],
      by: 'night job',
      purpose: 'statistics',
    });
    expect(code).toEqual([{ name: 'path', value: '/orders/secret' }]);
    const entries = (await gate.audit.entries(id)).map(({ bytes }) =>
      JSON.parse(Buffer.from(bytes).toString()),
    );
    expect(entries.filter(({ type }) => type === 'revealed')).toMatchObject([
      { id, by: 'token:ann', parameters: ['body /card'], purpose: 'chargeback 17' },
      { id, by: 'code:night job', parameters: ['path'], purpose: 'statistics' },
    ]);
    expect(JSON.stringify(entries)).not.toContain('4111');
    expect(await gate.audit.verify()).toMatchObject({ ok: true });
    // The log takes nothing more: nothing is shown either.
    onDisk((database) =>
      database.exec("CREATE TRIGGER full BEFORE INSERT ON log_1 BEGIN SELECT raise(ABORT, 'no room'); END"),
    );
    const refused = await look(`/deferrals/${id}/record?reveal=body%20/card&purpose=again`);
    expect(refused).not.toHaveProperty('revealed');
    expect(refused).toHaveProperty('code');
    expect(JSON.stringify(refused)).not.toContain('4111');
    onDisk((database) => database.exec('DROP TRIGGER full'));
  });
});
