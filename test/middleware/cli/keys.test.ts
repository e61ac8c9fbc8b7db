import { spawnSync } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { parseKeyFile } from '../../../packages/middleware/src/ledger/keys.ts';
import { openSigner } from '../../../packages/middleware/src/ledger/signer.ts';
import { mainFile, slackwaterSays } from './command-line.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'slackwater-keys-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

describe('slackwater keys', () => {
  it('prints a key file, and nothing else, to standard output', async () => {
    const { code, out, err } = await slackwaterSays('keys', '--application', 'payments');
    expect(code).toBe(0);
    const keys = parseKeyFile(Buffer.from(out));
    expect(keys.origin).toMatch(/^payments\/main\/[0-9a-f]{16}$/);
    expect(err).toContain(openSigner(keys).verifierKey);
    expect(out.trim().split('\n')).toHaveLength(1);
    const more = ['--application', 'payments', '--group', 'eu', '--origin', 'ledger.example.com/payments'];
    const named = await slackwaterSays('keys', ...more);
    expect(parseKeyFile(Buffer.from(named.out)).origin).toBe('ledger.example.com/payments');
    expect(parseKeyFile(Buffer.from(named.out)).fingerprint).not.toBe(keys.fingerprint);
  });

  it('writes them to a file of mode 0600 and prints what may be known of them', async () => {
    const file = join(folder, 'slackwater-keys.json');
    const { code, out } = await slackwaterSays('keys', '--application', 'payments', '--out', file);
    expect(code).toBe(0);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    const keys = parseKeyFile(readFileSync(file));
    const { verifierKey } = openSigner(keys);
    expect(JSON.parse(out)).toEqual({
      file,
      origin: keys.origin,
      verifierKey,
      fingerprint: keys.fingerprint,
    });
  });

  it('overwrites nothing', async () => {
    const file = join(folder, 'slackwater-keys.json');
    await slackwaterSays('keys', '--application', 'payments', '--out', file);
    const before = readFileSync(file);
    const again = await slackwaterSays('keys', '--application', 'payments', '--out', file);
    expect(again).toMatchObject({ code: 1, out: '' });
    expect(again.err).toContain('is there already, and keys are never overwritten');
    expect(readFileSync(file)).toEqual(before);
    const other = join(folder, 'notes');
    writeFileSync(other, 'notes', { mode: 0o644 });
    expect(await slackwaterSays('keys', '--application', 'payments', '--out', other)).toMatchObject({
      code: 1,
    });
    expect(readFileSync(other, 'utf8')).toBe('notes');
  });

  it('warns of a file that the shell made readable for others', () => {
    const file = join(folder, 'slackwater-keys.json');
    const into = openSync(file, 'w', 0o644);
    const { stderr, status } = spawnSync(process.execPath, [mainFile, 'keys', '--application', 'payments'], {
      stdio: ['ignore', into, 'pipe'],
    });
    closeSync(into);
    expect(status).toBe(0);
    expect(stderr.toString()).toMatch(
      /others may read the file that this went to \(mode 6\d\d\): chmod 600 it/,
    );
    parseKeyFile(readFileSync(file));
  });

  it.each([
    [[], '--application is missing'],
    [['--application', ''], '--application is empty'],
    [['--application', 'my app'], '--application "my app": give 1 to 64 letters'],
    [['--application', 'a', '--group', '/'], '--group "/": give 1 to 64 letters'],
    [['--application', 'a', '--origin', 'a b'], '--origin "a b": give 1 to 255 characters without blanks'],
    [['--application', 'a', 'b'], "Unexpected argument 'b'"],
    [['--application'], '--application <value>'],
  ])('refuses %j with the way out, and ends with 2', async (args, sentence) => {
    const said = await slackwaterSays('keys', ...args);
    expect(said).toMatchObject({ code: 2, out: '' });
    expect(said.err).toContain(sentence);
    expect(said.err).toContain('(slackwater keys --help)');
  });
});

describe('slackwater', () => {
  it('says what it can do, and of each command how', async () => {
    const { code, out } = await slackwaterSays('--help');
    expect(code).toBe(0);
    expect(out).toMatch(/copy +carries a ledger.*\n +erase +erases a requester.*\n +keys +makes the keys/s);
    for (const command of ['copy', 'erase', 'keys']) {
      const help = await slackwaterSays(command, '--help');
      expect(help).toMatchObject({ code: 0, err: '' });
      expect(help.out).toContain(`Usage: slackwater ${command}`);
    }
  });

  it('refuses what it does not know, and being asked nothing', async () => {
    expect(await slackwaterSays('move')).toEqual({
      code: 2,
      out: '',
      err: 'slackwater: there is no command "move"; give one of: copy, erase, export, inspect, keys, plan, redrive, reindex, train, verify\n',
    });
    expect(await slackwaterSays('constructor')).toMatchObject({ code: 2 });
    expect(await slackwaterSays()).toMatchObject({ code: 2, out: '' });
  });
});
