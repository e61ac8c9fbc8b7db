import { copyFile, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseEntry, verifyReceipt } from '@slackwater/shared';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Clock } from '../../../packages/middleware/src/clock.ts';
import type { Ledger } from '../../../packages/middleware/src/ledger/open-ledger.ts';
import { ed25519Verify } from '../../../packages/middleware/src/ledger/signer.ts';
import { eraseRequester } from '../../../packages/middleware/src/perform/erase-requester.ts';
import { acceptanceOf, accepted, type Bench, bytesOf, ledgerBench } from './ledgers.ts';

let bench: Bench;
beforeEach(async () => {
  bench = await ledgerBench();
});
afterEach(() => bench.end());

const alice = acceptanceOf().requester;
const asked = { by: 'token:officer', purpose: 'request 4711' };
const gone = { code: 'requester-erased' };

/** A minute passes with each look. */
function hurriedClock(): Clock {
  let now = 0;
  return {
    now: () => now,
    wallNow: () => Date.now(),
    after(ms, work) {
      now += Math.max(ms, 60_000);
      const timer = setImmediate(work);
      return { cancel: () => clearImmediate(timer) };
    },
  };
}

const error = { code: 'requester-erased', message: 'erased' } as const;

async function cancel(ledger: Ledger, id: string): Promise<'canceled' | 'not-cancelable'> {
  return (await ledger.step(id, { type: 'canceled', error })) === undefined ? 'not-cancelable' : 'canceled';
}

/** Erases as a gate does, with nobody else at work. */
async function erase(ledger: Ledger, name = alice, waitMs = 3_600_000) {
  const erasure = await ledger.erasures.begin(name, asked);
  if (erasure === undefined) return 'nothing-kept';
  return carryOn(ledger, erasure, waitMs);
}

function carryOn(ledger: Ledger, erasure: Parameters<typeof eraseRequester>[1], waitMs = 3_600_000) {
  const parts = { ledger, cancel: (id: string) => cancel(ledger, id), clock: hurriedClock() };
  return eraseRequester(parts, erasure, waitMs);
}

async function performed(ledger: Ledger): Promise<string> {
  const { id } = await accepted(ledger);
  await ledger.step(id, { type: 'performing', token: 1 });
  const outcome = { status: 201, headers: [], body: Buffer.from('order 7') };
  await ledger.step(id, { type: 'performed', token: 1, outcome });
  return id;
}

function entries(): readonly ReturnType<typeof parseEntry>[] {
  return bench.database((db) =>
    db
      .prepare('SELECT entry FROM log_1 ORDER BY position')
      .all()
      .map((row) => parseEntry(bytesOf(row['entry']))),
  );
}

describe('erasing a requester', () => {
  it('leaves nothing of it to be read, and every proof valid', async () => {
    const { ledger } = await bench.open();
    const id = await performed(ledger);
    const failing = await accepted(ledger);
    await ledger.step(failing.id, { type: 'performing', token: 1 });
    const said = { code: 'route-failed', message: 'quotes the request' } as const;
    await ledger.step(failing.id, { type: 'failed', token: 1, outcome: undefined, error: said });
    const other = await accepted(ledger, { requester: 'bob' });
    const before = { proof: await ledger.proof(id), checkpoint: await ledger.checkpoint() };

    expect(await erase(ledger)).toMatchObject({ status: 'erased' });

    await expect(ledger.request(id)).rejects.toMatchObject(gone);
    await expect(ledger.outcome(id)).rejects.toMatchObject(gone);
    await expect(ledger.parameter(id, 'path')).rejects.toMatchObject(gone);
    expect(await ledger.find(id)).toMatchObject({ status: 'Succeeded', outcomeKnown: true });
    expect((await ledger.find(failing.id))?.error).toEqual({ code: 'route-failed', message: 'route-failed' });
    await ledger.request(other.id);
    const verifierKeys = [ledger.verifierKey];
    for (const { entry, receipt } of [before.proof, await ledger.proof(id)]) {
      expect(verifyReceipt(receipt, { entry, verifierKeys }, { ed25519Verify }).index).toBe(0);
    }
    expect(await ledger.verify(before.checkpoint)).toMatchObject({ ok: true });
    expect(bench.verifyBytes(ledger.verifierKey, before.checkpoint)).toMatchObject({ ok: true });
  });

  it('is recorded: who asked, what for, whose pseudonym, and no name', async () => {
    const { ledger } = await bench.open();
    const { requester } = await accepted(ledger);
    await erase(ledger);
    const last = entries().at(-1);
    expect(last).toMatchObject({ type: 'erased', requester, ...asked, method: '', route: '' });
    expect(JSON.stringify(entries())).not.toContain('alice');
  });

  it('settles first what is pending: cancels what nobody performs, and waits for what is being performed', async () => {
    const { ledger } = await bench.open();
    const waiting = await accepted(ledger);
    const running = await accepted(ledger);
    await ledger.step(running.id, { type: 'performing', token: 1 });

    expect(await erase(ledger, alice, 300_000)).toMatchObject({ status: 'pending', unsettled: 1 });

    expect(await ledger.find(waiting.id)).toMatchObject({
      status: 'Canceled',
      error: { code: 'requester-erased' },
    });
    await ledger.request(running.id);
    // Nothing more is accepted for it meanwhile.
    const refused = { code: 'engine-unavailable', fate: 'none' };
    await expect(accepted(ledger)).rejects.toMatchObject(refused);
    const erasing = erase(ledger);
    await ledger.step(running.id, { type: 'performed', token: 1, outcome: undefined });
    expect(await erasing).toMatchObject({ status: 'erased' });
    await expect(ledger.request(running.id)).rejects.toMatchObject(gone);
  });

  it('may be asked for again; who comes by that name afterwards is somebody new', async () => {
    const { ledger } = await bench.open();
    const before = await accepted(ledger);
    await erase(ledger);
    expect(await erase(ledger)).toBe('nothing-kept');
    expect(await erase(ledger, 'nobody')).toBe('nothing-kept');
    const after = await accepted(ledger);
    expect(after.requester).not.toBe(before.requester);
    await ledger.request(after.id);
    expect(entries().filter(({ type }) => type === 'erased')).toHaveLength(1);
  });

  it('overwrites the key in both of its files', async () => {
    const { ledger, engine } = await bench.open();
    const { requester } = await accepted(ledger);
    const wrapped = (await engine.wrappedKeys.get(`requester/${requester}`))?.value ?? new Uint8Array();
    const onDisk = async (): Promise<boolean> => {
      const names = (await readdir(bench.directory)).filter((name) => name.startsWith('slackwater-keys.db'));
      const files = await Promise.all(names.map((name) => readFile(join(bench.directory, name))));
      return Buffer.concat(files).includes(Buffer.from(wrapped).subarray(5));
    };
    expect(await onDisk()).toBe(true);
    await erase(ledger);
    expect(await onDisk()).toBe(false);
  });

  it('is not undone by a backup of the ledger that is put back: its proofs verify, the payload is unreadable', async () => {
    const { ledger, close } = await bench.open();
    const id = await performed(ledger);
    const pending = await accepted(ledger);
    const elsewhere = await mkdtemp(join(tmpdir(), 'slackwater-restored-'));
    bench.database((db) => db.exec(`VACUUM INTO '${join(elsewhere, 'slackwater.db')}'`));
    await erase(ledger);
    await close();
    const files = (await readdir(bench.directory)).filter((name) => name.startsWith('keys-'));
    for (const name of ['slackwater-keys.db', ...files]) {
      await copyFile(join(bench.directory, name), join(elsewhere, name));
    }
    const restored = await ledgerBench(elsewhere);
    try {
      const { ledger: again } = await restored.open();
      expect(await again.verify()).toMatchObject({ ok: true, size: 4 });
      const { entry, receipt } = await again.proof(id);
      expect(verifyReceipt(receipt, { entry, verifierKeys: [again.verifierKey] }).index).toBe(0);
      await expect(again.request(id)).rejects.toMatchObject(gone);
      await expect(again.outcome(id)).rejects.toMatchObject(gone);
      await expect(again.request(pending.id)).rejects.toMatchObject(gone);
      // The record of its name came back with the backup, and nobody can read the name.
      expect((await accepted(again)).requester).not.toBe(pending.requester);
    } finally {
      await restored.end();
      await rm(elsewhere, { recursive: true, force: true });
    }
  });

  it('is known to other hosts within keyCacheMs: they read and accept nothing of it any more', async () => {
    const [one, other] = await Promise.all([
      bench.open({ keyCacheMs: 200 }),
      bench.open({ keyCacheMs: 200 }),
    ]);
    const { id } = await accepted(one.ledger);
    await other.ledger.request(id);
    await accepted(other.ledger);
    const erasure = await one.ledger.erasures.begin(alice, asked);
    await new Promise((resolve) => setTimeout(resolve, 250));
    await expect(accepted(other.ledger)).rejects.toMatchObject({ code: 'engine-unavailable', fate: 'none' });
    if (erasure !== undefined) await carryOn(one.ledger, erasure);
    await new Promise((resolve) => setTimeout(resolve, 250));
    await expect(other.ledger.request(id)).rejects.toMatchObject(gone);
  });
});
