import { execFile } from 'node:child_process';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { parseEntry } from '@slackwater/shared';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { writeSecret } from '../../../packages/middleware/src/cli/secret-file.ts';
import { keyFilePath } from '../../../packages/middleware/src/engines/sqlite/key-file.ts';
import { wrappedUnder } from '../../../packages/middleware/src/ledger/key-wrapping.ts';
import { createKeyFile, parseKeyFile } from '../../../packages/middleware/src/ledger/keys.ts';
import { accepted, type Bench, bytesOf, ledgerBench } from '../ledger/ledgers.ts';
import { hurriedClock, mainFile, type Said, slackwaterSaysBy } from './command-line.ts';

const hurried = new URL('children/hurried.ts', import.meta.url).href;

let bench: Bench;
beforeEach(async () => {
  bench = await ledgerBench();
});
afterEach(() => bench.end());

/** The time that is given to other hosts passes at once. */
const run = (...args: readonly string[]): Promise<Said> =>
  slackwaterSaysBy(hurriedClock(15_000, 15_000), ...args);
const rotate = (...args: readonly string[]): Promise<Said> => run('keys', 'rotate', ...args);
const here = (): readonly string[] => ['--ledger', `sqlite:${bench.directory}`];

describe('slackwater keys rotate', () => {
  it('wraps every requester key under a new version while the application goes on, and writes no record again', async () => {
    const { ledger, engine } = await bench.open({ keyCacheMs: 1 });
    const before = await accepted(ledger);
    const payload = await engine.store.get(`payload/${before.id}`);
    const said = await rotate(...here(), '--by', 'officer');
    expect([said.code, said.err]).toEqual([0, '']);
    expect(JSON.parse(said.out)).toEqual({ version: 2, wrapped: 1, dropped: [] });
    const wrapped = await engine.wrappedKeys.get(`requester/${before.requester}`);
    expect(wrappedUnder(before.requester, wrapped?.value ?? new Uint8Array())).toBe(2);
    expect(await engine.store.get(`payload/${before.id}`)).toEqual(payload);
    await ledger.request(before.id);
    // Who comes now is wrapped under the new one, by a process that began with the old key file.
    const after = await accepted(ledger, { requester: 'bob' });
    const bobs = await engine.wrappedKeys.get(`requester/${after.requester}`);
    expect(wrappedUnder(after.requester, bobs?.value ?? new Uint8Array())).toBe(2);
    await ledger.request(after.id);
    const entries = bench.database((db) => db.prepare('SELECT entry FROM log_1 ORDER BY position').all());
    const rotated = entries
      .map((row) => parseEntry(bytesOf(row['entry'])))
      .filter(({ type }) => type === 'key-rotated');
    expect(rotated).toMatchObject([{ by: 'command:officer', keyVersion: 2, requester: '' }]);
    expect(await ledger.verify()).toMatchObject({ ok: true });
  });

  it('makes older copies of the wrapped keys worth nothing once the old version is dropped', async () => {
    const { ledger, engine, close } = await bench.open();
    const { id, requester } = await accepted(ledger);
    const old = (await engine.wrappedKeys.get(`requester/${requester}`))?.value ?? new Uint8Array();
    await close();
    expect(JSON.parse((await rotate(...here(), '--drop-old')).out)).toEqual({
      version: 2,
      wrapped: 1,
      dropped: [1],
    });
    const again = await bench.open();
    await again.ledger.request(id);
    const there = await again.engine.wrappedKeys.get(`requester/${requester}`);
    await again.engine.wrappedKeys.update(`requester/${requester}`, old, there?.revision ?? 0);
    await again.close();
    const restored = await bench.open();
    await expect(restored.ledger.request(id)).rejects.toMatchObject({ code: 'ledger-keys-differ' });
  });

  it('prepares a key file for hosts that are given theirs; it is still the same ledger', async () => {
    const file = join(bench.directory, 'given.json');
    await writeSecret(file, createKeyFile({ application: 'shop', group: 'main' }));
    const next = join(bench.directory, 'next.json');
    const said = await rotate('--keys', file, '--out', next);
    expect(JSON.parse(said.out)).toEqual({ file: next, version: 2 });
    const [before, after] = [parseKeyFile(await readFile(file)), parseKeyFile(await readFile(next))];
    expect(after.fingerprint).toBe(before.fingerprint);
    expect(after.encryption[0]).toEqual(before.encryption[0]);
    expect(after.encryption).toHaveLength(2);
    const only = join(bench.directory, 'only.json');
    await rotate('--keys', next, '--out', only, '--drop-old');
    expect(parseKeyFile(await readFile(only)).encryption).toEqual(after.encryption.slice(1));
  });

  it('puts a new signing key in force that the first verifier key leads to, and forgets the old one', async () => {
    const { ledger, close } = await bench.open();
    await accepted(ledger);
    await close();
    const said = await rotate(...here(), '--signing', '--drop-old');
    expect([said.code, said.err]).toEqual([0, '']);
    expect(JSON.parse(said.out)).toEqual({
      verifierKey: expect.not.stringContaining(ledger.verifierKey),
      signingKey: 1,
    });
    const again = await bench.open();
    expect(again.ledger.verifierKey).toBe(ledger.verifierKey);
    await accepted(again.ledger);
    expect(bench.verifyBytes(ledger.verifierKey)).toMatchObject({ ok: true, size: 3 });
    const tiles = join(bench.directory, 'tiles');
    expect(await run('export', ...here(), '--tiles', tiles)).toMatchObject({ code: 0 });
    const first = ['--verifier-key', ledger.verifierKey] as const;
    const verify = (): Promise<Said> => run('verify', '--ledger', `tiles:${tiles}`, ...first);
    expect(await verify()).toMatchObject({ code: 0 });
    // Hash tiles alone, as anybody may have fetched them, and the checkpoint of a gate that shows no entries.
    await rm(join(tiles, 'tile', 'entries'), { recursive: true });
    await rm(join(tiles, 'blocks.ndjson'));
    expect(await verify()).toMatchObject({
      code: 0,
      out: expect.stringMatching(/checked +signatures, tree\n/),
    });
    const rotations = await readFile(join(tiles, 'rotations'), 'utf8');
    expect(JSON.parse(rotations)).toEqual({ rotations: await again.ledger.rotations() });
    const hostile = ['{}', 'null', '[', '{"rotations":[null,7,"x"]}', '{"rotations":{"__proto__":[]}}'];
    for (const text of [
      ...hostile,
      rotations.replace('slackwater-key-rotation/v1', 'slackwater-key-rotation/v2'),
    ]) {
      await writeFile(join(tiles, 'rotations'), text);
      expect((await verify()).code).toBe(3);
    }
    const keys = parseKeyFile(await readFile(keyFilePath(bench.directory, 'payments', 'default')));
    expect(keys.signing.map(({ privateKey }) => privateKey !== undefined)).toEqual([false, true]);
  });

  it('waits to its end in a process of its own, which nothing else keeps', async () => {
    await (await bench.open()).close();
    const args = ['--import', hurried, mainFile, 'keys', 'rotate', ...here()];
    const { stdout } = await promisify(execFile)(process.execPath, args);
    expect(JSON.parse(stdout)).toEqual({ version: 2, wrapped: 0, dropped: [] });
  });

  it('says what is missing', async () => {
    await (await bench.open()).close();
    expect(await rotate()).toMatchObject({ code: 2, err: expect.stringContaining('give --ledger') });
    const both = await rotate(...here(), '--out', 'x');
    expect(both).toMatchObject({ code: 2, err: expect.stringContaining('--out goes without --ledger') });
  });
});
