import { readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseCheckpoint } from '@slackwater/shared';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createKeyFile, parseKeyFile } from '../../../packages/middleware/src/ledger/keys.ts';
import { openVault } from '../../../packages/middleware/src/ledger/vault.ts';
import { acceptanceOf, accepted, type Bench, ledgerBench, requestOf } from './ledgers.ts';

let bench: Bench;
beforeEach(async () => {
  bench = await ledgerBench();
});
afterEach(() => bench.end());

async function keyFile(): Promise<string> {
  const name = (await readdir(bench.directory)).find((candidate) => candidate.startsWith('keys-'));
  return join(bench.directory, name ?? 'no key file');
}

describe('the key file', () => {
  it('is readable by its owner alone', async () => {
    await bench.open();
    expect((await stat(await keyFile())).mode & 0o777).toBe(0o600);
  });

  it('is made once: processes that start together have the same keys', async () => {
    const opened = await Promise.all([bench.open(), bench.open(), bench.open()]);
    expect(new Set(opened.map(({ ledger }) => ledger.verifierKey)).size).toBe(1);
  });

  it.each(['', '{}', 'not JSON', '{"v":1}'])('that says %o is refused with the way out', async (text) => {
    const { close } = await bench.open();
    await close();
    await writeFile(await keyFile(), text);
    await expect(bench.open()).rejects.toMatchObject({
      code: 'key-file-unreadable',
      message: expect.stringContaining('backup'),
    });
  });

  it('that holds other keys is refused', async () => {
    const { ledger, close } = await bench.open();
    await accepted(ledger);
    await close();
    await writeFile(await keyFile(), createKeyFile({ application: 'payments', group: 'default' }));
    await expect(bench.open()).rejects.toMatchObject({ code: 'ledger-keys-differ' });
  });

  it('that is gone is not made again', async () => {
    const { ledger, close } = await bench.open();
    await accepted(ledger);
    await close();
    const path = await keyFile();
    const bytes = await readFile(path);
    await rm(path);
    await expect(bench.open()).rejects.toMatchObject({ code: 'ledger-keys-differ' });
    await writeFile(`${path}.new`, bytes, { mode: 0o600 });
    await rename(`${path}.new`, path);
    await bench.open();
  });

  it('never shows a byte of itself in a message', () => {
    const bytes = createKeyFile({ application: 'a', group: 'g' });
    const file = JSON.parse(Buffer.from(bytes).toString());
    file.signing.private = `${file.signing.private}!`.slice(5);
    try {
      parseKeyFile(Buffer.from(JSON.stringify(file)));
      expect.unreachable();
    } catch (error) {
      expect(String(error)).not.toContain(file.lookup.key);
      expect(error).not.toHaveProperty('cause');
    }
  });
});

describe('the origin', () => {
  it('names the log for good', async () => {
    const { ledger, close } = await bench.open({ origin: 'ledger.example.com/payments' });
    await accepted(ledger);
    expect(parseCheckpoint(await ledger.checkpoint()).origin).toBe('ledger.example.com/payments');
    await close();
    expect((await bench.open()).ledger.origin).toBe('ledger.example.com/payments');
    await expect(bench.open({ origin: 'another' })).rejects.toMatchObject({ code: 'ledger-keys-differ' });
  });

  it.each(['', 'a b', 'a+b', 'a\nb'])('%o is refused', async (origin) => {
    await expect(bench.open({ origin })).rejects.toMatchObject({ code: 'option-invalid' });
  });
});

describe('the vault', () => {
  const vault = openVault({ id: '0a0b0c0d', key: Buffer.alloc(32, 7) });
  const plain = Buffer.from('4111 1111 1111 1111');

  it('gives equal values different ciphertexts (B-21)', () => {
    expect(vault.seal('r', 'card', plain)).not.toEqual(vault.seal('r', 'card', plain));
  });

  it('opens a value under its own record, parameter and key alone (B-21)', () => {
    const sealed = vault.seal('r', 'card', plain);
    expect(Buffer.from(vault.open('r', 'card', sealed))).toEqual(plain);
    const another = openVault({ id: '0a0b0c0e', key: Buffer.alloc(32, 7) });
    for (const open of [
      () => vault.open('s', 'card', sealed),
      () => vault.open('r', 'cvc', sealed),
      () => another.open('r', 'card', sealed),
      () => vault.open('r', 'card', sealed.subarray(0, 20)),
    ]) {
      expect(open).toThrow(expect.objectContaining({ code: 'record-corrupt' }));
    }
  });

  it('notices any changed byte', () => {
    const sealed = vault.seal('r', 'card', plain);
    for (let i = 0; i < sealed.length; i++) {
      const changed = Uint8Array.from(sealed);
      changed[i] = (changed[i] ?? 0) ^ 0x80;
      expect(() => vault.open('r', 'card', changed)).toThrow();
    }
  });
});

describe('plain text', () => {
  it('of payload, path, identity, requester, keys, error and outcome is nowhere on disk (B-20)', async () => {
    const marks = [
      'path',
      'query',
      'header',
      'body',
      'identity',
      'address',
      'requester',
      'key',
      'order',
      'error',
      'outcome',
    ];
    const secret = (name: string): string => `SECRET-${name}-SECRET`;
    const { ledger } = await bench.open();
    const result = await ledger.accept(
      acceptanceOf({
        request: requestOf({
          url: `/payments/${secret('path')}?q=${secret('query')}`,
          headers: [['x-note', secret('header')]],
          body: Buffer.from(secret('body').repeat(100)),
          identity: { name: secret('identity') },
          remoteAddress: secret('address'),
        }),
        requester: secret('requester'),
        idempotencyKey: secret('key'),
        orderKey: secret('order'),
      }),
    );
    if (result.kind !== 'accepted') throw new Error(result.kind);
    const { id } = result.deferral;
    await ledger.step(id, { type: 'performing', token: 1 });
    const error = { code: 'route-failed', message: secret('error') } as const;
    await ledger.step(id, { type: 'failed', token: 1, outcome: undefined, error, retryAt: Date.now() });
    expect((await ledger.find(id))?.error).toEqual(error);
    await ledger.step(id, { type: 'performing', token: 2 });
    const outcome = {
      status: 200,
      headers: [['x-out', secret('outcome')] as const],
      body: Buffer.from(secret('outcome')),
    };
    await ledger.step(id, { type: 'failed', token: 2, outcome, error });
    const files = await readdir(bench.directory);
    expect(files).toContain('slackwater.db-wal');
    const disk = Buffer.concat(await Promise.all(files.map((name) => readFile(join(bench.directory, name)))));
    // What may be read is there, so what is not found was looked for in the right place.
    expect(disk.includes('/payments/:id/settle')).toBe(true);
    const encodings = marks.flatMap((name) => [
      secret(name),
      Buffer.from(secret(name)).toString('base64').slice(4, -4),
    ]);
    expect(encodings.filter((text) => disk.includes(text))).toEqual([]);
    expect(disk.includes(result.capability)).toBe(false);
  });
});
