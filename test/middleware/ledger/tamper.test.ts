import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { accepted, type Bench, bytesOf, ledgerBench, requestOf } from './ledgers.ts';

let bench: Bench;
beforeEach(async () => {
  bench = await ledgerBench();
});
afterEach(() => bench.end());

/** Changes one byte in the middle of a value. */
function flip(select: string, update: string): void {
  bench.database((db) => {
    const value = Buffer.from(bytesOf(Object.values(db.prepare(select).get() ?? {})[0]));
    const at = value.length >> 1;
    value[at] = (value[at] ?? 0) ^ 1;
    db.prepare(update).run(value);
  });
}

const flipEntry = (position: number): void =>
  flip(
    `SELECT entry FROM log_1 WHERE position = ${position}`,
    `UPDATE log_1 SET entry = ? WHERE position = ${position}`,
  );
const flipValue = (key: string): void =>
  flip(`SELECT value FROM store_1 WHERE key = '${key}'`, `UPDATE store_1 SET value = ? WHERE key = '${key}'`);

describe('a changed ledger', () => {
  it('fails to verify from the block on in which a byte of an earlier record was changed (B-04)', async () => {
    const { ledger } = await bench.open();
    for (let i = 0; i < 6; i++) await accepted(ledger);
    expect(await ledger.verify()).toMatchObject({ ok: true, size: 6, blocks: 6 });
    flipEntry(3);
    expect(await ledger.verify()).toMatchObject({ ok: false, height: 3 });
    expect(bench.verifyBytes(ledger.verifierKey)).toMatchObject({ ok: false, height: 3 });
  });

  it.each([
    ['removed', 'DELETE FROM log_1 WHERE position = 5'],
    ['swapped', 'UPDATE log_1 SET entry = (SELECT entry FROM log_1 WHERE position = 1) WHERE position = 2'],
    ['unlinked', "DELETE FROM store_1 WHERE key = 'blocks/000000000002'"],
    ['cut', "DELETE FROM store_1 WHERE key >= 'blocks/000000000003' AND key < 'blocks/1'"],
  ])('is found out where something is %s', async (_, sql) => {
    const { ledger } = await bench.open();
    for (let i = 0; i < 6; i++) await accepted(ledger);
    const old = await ledger.checkpoint();
    bench.database((db) => db.exec(sql));
    expect(await ledger.verify(old)).toMatchObject({ ok: false });
    expect(bench.verifyBytes(ledger.verifierKey, old)).toMatchObject({ ok: false });
  });

  it('is not continued at the next start where a sealed entry was changed', async () => {
    const { ledger, abandon } = await bench.open();
    for (let i = 0; i < 3; i++) await accepted(ledger);
    await abandon();
    flipEntry(1);
    await expect(bench.open()).rejects.toMatchObject({ code: 'ledger-corrupt' });
  });

  it('is not continued where the log lost its acknowledged tail, and the way out is said', async () => {
    const { ledger, abandon } = await bench.open();
    for (let i = 0; i < 3; i++) await accepted(ledger);
    await abandon();
    bench.database((db) => db.exec('DELETE FROM log_1 WHERE position = 2'));
    await expect(bench.open()).rejects.toMatchObject({
      code: 'ledger-truncated',
      message: expect.stringContaining('new origin'),
    });
  });

  it('ends the group loudly where the tail is lost while it runs: nothing is accepted, no step is taken', async () => {
    const stops: unknown[] = [];
    const { ledger, engine } = await bench.open({ onStop: (error) => stops.push(error.code) });
    const deferrals = [];
    for (let i = 0; i < 4; i++) deferrals.push(await accepted(ledger));
    bench.database((db) => db.exec('DELETE FROM log_1 WHERE position >= 2'));
    // The engine gives a position again that was sealed before.
    const positions = await engine.log.append([Buffer.from('{}')]).catch(() => undefined);
    await expect(accepted(ledger)).rejects.toMatchObject({ code: 'engine-corrupt', fate: 'unknown' });
    await expect(ledger.step(deferrals[0]?.id ?? '', { type: 'performing', token: 1 })).rejects.toThrow();
    await expect(accepted(ledger)).rejects.toThrow();
    if (positions !== undefined) expect(stops).toHaveLength(1);
    await expect(bench.open()).rejects.toMatchObject({
      code: expect.stringMatching(/^ledger-(truncated|corrupt)$/),
    });
  });
});

describe('a changed record', () => {
  it('is refused: its payload was altered (B-09, B-26)', async () => {
    const { ledger } = await bench.open();
    const { id } = await accepted(ledger);
    flipValue(`payload/${id}`);
    await expect(ledger.request(id)).rejects.toMatchObject({ code: 'record-corrupt' });
  });

  it('is refused: a parameter was taken out of its payload (B-26)', async () => {
    const { ledger, engine } = await bench.open();
    const { id } = await accepted(ledger, { request: requestOf({ remoteAddress: '::1' }) });
    const { value } = (await engine.store.get(`payload/${id}`)) ?? { value: new Uint8Array() };
    // The last part is the address: 4 bytes length, and three bytes sealed.
    const sealedBytes = 1 + 4 + 12 + '::1'.length + 16;
    expect(Buffer.from(value).readUInt32BE(value.length - sealedBytes - 4)).toBe(sealedBytes);
    await engine.store.put(`payload/${id}`, value.subarray(0, value.length - sealedBytes - 4));
    await expect(ledger.request(id)).rejects.toMatchObject({ code: 'record-corrupt' });
  });

  it('is refused: its payload is missing (B-26)', async () => {
    const { ledger } = await bench.open();
    const { id } = await accepted(ledger);
    bench.database((db) => db.exec(`DELETE FROM store_1 WHERE key = 'payload/${id}'`));
    await expect(ledger.request(id)).rejects.toMatchObject({ code: 'record-corrupt' });
  });

  it('is refused: its payload is that of another record (B-21, B-23)', async () => {
    const { ledger } = await bench.open();
    const one = await accepted(ledger);
    const other = await accepted(ledger);
    bench.database((db) =>
      db.exec(
        `UPDATE store_1 SET value = (SELECT value FROM store_1 WHERE key = 'payload/${one.id}') WHERE key = 'payload/${other.id}'`,
      ),
    );
    await expect(ledger.request(other.id)).rejects.toMatchObject({ code: 'record-corrupt' });
    await ledger.request(one.id);
  });

  it('is refused: its entry was changed, although the payload is whole (B-09)', async () => {
    const { ledger } = await bench.open();
    const { id } = await accepted(ledger);
    await ledger.proof(id);
    flipEntry(0);
    await expect(ledger.request(id)).rejects.toMatchObject({
      code: 'record-corrupt',
    });
    await expect(ledger.proof(id)).rejects.toMatchObject({
      code: 'record-corrupt',
    });
  });

  it('is refused: its state names another completion key or route', async () => {
    const { ledger } = await bench.open();
    const { id } = await accepted(ledger);
    const key = `deferral/${id}`;
    bench.database((db) => {
      const value = Buffer.from(
        bytesOf(db.prepare('SELECT value FROM store_1 WHERE key = ?').get(key)?.['value']),
      );
      const state = { ...JSON.parse(value.toString()), completionKey: 'another' };
      db.prepare('UPDATE store_1 SET value = ? WHERE key = ?').run(Buffer.from(JSON.stringify(state)), key);
    });
    await expect(ledger.request(id)).rejects.toMatchObject({ code: 'record-corrupt' });
  });

  it('does not give an outcome out that was altered', async () => {
    const { ledger } = await bench.open();
    const { id } = await accepted(ledger);
    await ledger.step(id, { type: 'performing', token: 1 });
    const outcome = { status: 200, headers: [], body: Buffer.from('done') };
    await ledger.step(id, { type: 'performed', token: 1, outcome });
    flipValue(`outcome/${id}/1`);
    await expect(ledger.outcome(id)).rejects.toMatchObject({ code: 'record-corrupt' });
  });
});

describe('the second record', () => {
  it('is in the key-value store under the id that the first record has, which holds its digest (B-22, B-23, B-25)', async () => {
    const { ledger, engine } = await bench.open();
    const { id, salt } = await accepted(ledger);
    const { entry } = await ledger.proof(id);
    const first = JSON.parse(Buffer.from(entry).toString());
    expect(await engine.store.get(`payload/${first.id}`)).toBeDefined();
    expect(Buffer.from(first.payload, 'base64')).toHaveLength(32);
    // What its caller knows and the salt give the digest: the caller can check by itself what was recorded.
    const known = `{"body":"${Buffer.from('{"amount":42}').toString('base64')}","contentType":"application/json","method":"POST","url":"/payments/4711/settle?force=1"}`;
    const digest = await crypto.subtle.digest(
      'SHA-256',
      Buffer.concat([Buffer.from(salt, 'base64'), Buffer.from(known)]),
    );
    expect(first.payload).toBe(Buffer.from(digest).toString('base64'));
  });

  it('answers no query: what a query returns comes from the first record, also without the cached state (B-29)', async () => {
    const { ledger, engine } = await bench.open();
    const deferral = await accepted(ledger, { idempotencyKey: 'k', orderKey: 'o' });
    const proof = await ledger.proof(deferral.id);
    await engine.store.delete(`deferral/${deferral.id}`);
    expect(await ledger.find(deferral.id)).toEqual(deferral);
    expect((await ledger.proof(deferral.id)).entry).toEqual(proof.entry);
  });
});
