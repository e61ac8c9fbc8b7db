import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  formatReceipt,
  parseEntry,
  parseReceipt,
  verifyReceipt,
  verifyRotation,
  walkRotations,
} from '@slackwater/shared';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { makeSigningKey, parseKeyFile } from '../../../packages/middleware/src/ledger/keys.ts';
import { ed25519Verify, openSigner } from '../../../packages/middleware/src/ledger/signer.ts';
import { accepted, addSigningKey, type Bench, bytesOf, ledgerBench, type OpenedLedger } from './ledgers.ts';

let bench: Bench;
beforeEach(async () => {
  bench = await ledgerBench();
});
afterEach(() => bench.end());

const native = { ed25519Verify };

const addKey = (opened: OpenedLedger, forget = false): Promise<void> => addSigningKey(bench, opened, forget);

async function receiptOf({ ledger }: OpenedLedger, id: string, verifierKeys: readonly string[]) {
  const { entry, receipt } = await ledger.proof(id);
  return { entry, receipt, verified: verifyReceipt(receipt, { entry, verifierKeys }, native) };
}

describe('a new signing key', () => {
  it('signs from then on, and who knows the first key alone verifies all of it, offline', async () => {
    const one = await bench.open();
    const first = one.ledger.verifierKey;
    const early = await accepted(one.ledger);
    const oldReceipt = await receiptOf(one, early.id, [first]);
    const oldCheckpoint = await one.ledger.checkpoint();
    await addKey(one);
    const second = await one.ledger.rotateSigningKey('command:officer');
    expect(second).not.toBe(first);
    await addKey(one, true);
    const late = await accepted(one.ledger);

    // The old receipt stands; a new one leads from the first key to the second by itself.
    expect(oldReceipt.verified.index).toBe(0);
    const { entry, receipt } = await receiptOf(one, late.id, [first]);
    await receiptOf(one, early.id, [first]);
    const { extra, ...bare } = parseReceipt(receipt);
    expect(extra).toBeDefined();
    const alone = { entry, verifierKeys: [first] };
    expect(() => verifyReceipt(formatReceipt(bare), alone, native)).toThrow(
      expect.objectContaining({ code: 'note-unverified' }),
    );
    expect(verifyReceipt(formatReceipt(bare), { entry, verifierKeys: [second] }, native).index).toBe(2);
    // So does the ledger, also against heads of before and after.
    for (const old of [oldCheckpoint, await one.ledger.checkpoint()]) {
      expect(bench.verifyBytes(first, old)).toMatchObject({ ok: true, size: 3 });
    }
    expect(await one.ledger.verify()).toMatchObject({ ok: true });
    const entries = bench.database((db) => db.prepare('SELECT entry FROM log_1').all());
    const rotated = entries
      .map((row) => parseEntry(bytesOf(row['entry'])))
      .find(({ type }) => type === 'key-rotated');
    expect(verifyRotation(rotated?.rotation, [first])).toBe(second);
  });

  it('is followed by other processes that began with the old key file, and by those that start later', async () => {
    const [one, other] = await Promise.all([bench.open(), bench.open()]);
    const first = one.ledger.verifierKey;
    await accepted(other.ledger);
    await addKey(one);
    await one.ledger.rotateSigningKey('code:test');
    const { id } = await accepted(other.ledger);
    await accepted(one.ledger);
    await receiptOf(other, id, [first]);
    await addKey(one);
    await other.ledger.rotateSigningKey('code:test');
    await accepted(one.ledger);
    await Promise.all([one.close(), other.close()]);
    const again = await bench.open();
    expect(again.ledger.signingKey).toBe(2);
    await accepted(again.ledger);
    await receiptOf(again, id, [first]);
    expect(bench.verifyBytes(first)).toMatchObject({ ok: true, size: 7 });
  });

  it('is refused where the key file has none, and nothing is recorded', async () => {
    const { ledger } = await bench.open();
    await expect(ledger.rotateSigningKey('code:test')).rejects.toMatchObject({ code: 'ledger-keys-differ' });
    expect(await ledger.verify()).toMatchObject({ ok: true, size: 0 });
  });

  it('is not put in force by who lacks the old one, and the old one signs nothing afterwards', async () => {
    const one = await bench.open();
    const first = one.ledger.verifierKey;
    await accepted(one.ledger);
    await addKey(one);
    await one.ledger.rotateSigningKey('code:test');
    await accepted(one.ledger);
    const [name = ''] = (await readdir(bench.directory)).filter((file) => file.startsWith('keys-'));
    const keys = parseKeyFile(await readFile(join(bench.directory, name)));
    const old = openSigner(keys);
    // Whoever stole the old key signs the newest block with it: the verifier expects the new one.
    bench.database((db) => {
      const { value } = db.prepare("SELECT value FROM store_1 WHERE key = 'blocks/000000000002'").get() ?? {};
      const block = JSON.parse(Buffer.from(bytesOf(value)).toString());
      block.checkpoint = old.sign({ size: block.size, root: Buffer.from(block.root, 'base64') }, [0]);
      const forged = Buffer.from(JSON.stringify(block));
      db.prepare("UPDATE store_1 SET value = ? WHERE key = 'blocks/000000000002'").run(forged);
    });
    expect(bench.verifyBytes(first)).toMatchObject({ ok: false, fault: 'checkpoint-unverified', height: 2 });

    const stranger = { ...keys, signing: [makeSigningKey(), makeSigningKey()] as const };
    const foreign = openSigner(stranger).signRotation(0, 1);
    expect(verifyRotation(foreign, [first])).toBeUndefined();
    expect(walkRotations([first], [foreign, 7, null, '', foreign]).met).toEqual([first]);
  });
});
