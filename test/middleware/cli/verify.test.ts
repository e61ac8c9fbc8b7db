import { cpSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { encodeEntry } from '@slackwater/shared';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { entryOf } from '../../shared/ledger-maker.ts';
import { acceptanceOf, ledgerBench } from '../ledger/ledgers.ts';
import { slackwaterSays } from './command-line.ts';
import { type FilledLedger, filledLedger, saysJson } from './filled-ledger.ts';

let filled: FilledLedger;
let tiles: string;
beforeAll(async () => {
  filled = await filledLedger();
  tiles = filled.fresh('tiles');
  const { code, err } = await slackwaterSays(
    'export',
    '--ledger',
    `sqlite:${filled.directory}`,
    '--tiles',
    tiles,
  );
  if (code !== 0) throw new Error(err);
});
afterAll(() => filled.end());

const verify = (place: string, ...more: string[]): ReturnType<typeof saysJson> =>
  saysJson('verify', '--ledger', place, ...more);
const withKey = (): string[] => ['--verifier-key', filled.verifierKey];

/** A copy of the exported directory, changed. */
function changedTiles(change: (directory: string) => void): string {
  const copy = filled.fresh('tiles');
  cpSync(tiles, copy, { recursive: true });
  change(copy);
  return `tiles:${copy}`;
}

function keyFiles(directory: string): readonly string[] {
  return readdirSync(directory).filter((name) => name.startsWith('keys-'));
}

function flip(file: string, at: number): void {
  const bytes = readFileSync(file);
  bytes[at] = (bytes[at] ?? 0) ^ 1;
  writeFileSync(file, bytes);
}

describe('slackwater verify', () => {
  it('verifies an engine whose keys are at hand to the last payload, while its application goes on', async () => {
    const { code, json, err } = await verify(`sqlite:${filled.directory}`, '--old-checkpoint', filled.early);
    expect(err).toMatch(/verifying entries: 306 of 306/);
    expect({ code, json }).toMatchObject({
      code: 0,
      json: {
        ok: true,
        entries: filled.entries,
        blocks: filled.blocks,
        origin: filled.office.ledger.origin,
        checked: ['signatures', 'tree', 'blocks', 'entries', 'lives', 'records', 'extension'],
        lives: { accepted: 303, performed: 1, canceled: 1, unsettled: 301, late: 0, unjudged: 0 },
        records: { payloads: 303, outcomes: 1, gone: 0, erased: 0 },
      },
    });
  });

  it('verifies a directory of tiles, and a gate over HTTP, to the same root', async () => {
    const old = ['--old-checkpoint', filled.early];
    const here = await verify(`sqlite:${filled.directory}`, ...withKey());
    const there = await verify(`tiles:${tiles}`, ...withKey(), ...old);
    const served = await verify(filled.url, ...withKey(), ...old, '--token', filled.token);
    const { root } = here.json as { root: string };
    for (const { code, json } of [there, served]) {
      expect({ code, json }).toMatchObject({
        code: 0,
        json: {
          root,
          entries: filled.entries,
          blocks: filled.blocks,
          checked: ['signatures', 'tree', 'blocks', 'entries', 'lives', 'extension'],
        },
      });
    }
  });

  it('verifies tree, signature and extension of a gate that shows no entries, and says that it was no more', async () => {
    const { code, json } = await verify(filled.url, ...withKey(), '--old-checkpoint', filled.early);
    expect({ code, json }).toMatchObject({ code: 0, json: { checked: ['signatures', 'tree', 'extension'] } });
    expect(json).not.toHaveProperty('lives');
  });

  it('tells people the same in words', async () => {
    const said = await slackwaterSays('verify', '--ledger', `sqlite:${filled.directory}`);
    expect(said.code).toBe(0);
    expect(said.out).toMatch(/^verified +306 entries in \d+ blocks$/m);
    expect(said.out).toMatch(/^deferrals +accepted 303, performed 1/m);
    expect(said.out).toMatch(/without --old-checkpoint a cut at the end is not noticed/);
    const bad = filled.changed(
      "UPDATE log_1 SET entry = CAST(replace(entry, 'settle', 'sottle') AS BLOB) WHERE position = 4",
    );
    const refused = await slackwaterSays('verify', '--ledger', `sqlite:${bad}`);
    expect(refused).toMatchObject({
      code: 3,
      err: expect.stringMatching(/is not what was signed: root-differs/),
    });
    expect(refused.out).toMatch(/^NOT VERIFIED +root-differs$/m);
    expect(refused.out).toMatch(/^block +4$/m);
  });
});

describe('slackwater verify ends with 3 and names the first fault', () => {
  it.each<[string, string, object]>([
    [
      'an entry that was changed',
      "UPDATE log_1 SET entry = CAST(replace(entry, 'settle', 'sottle') AS BLOB) WHERE position = 1",
      { fault: 'root-differs', height: 1 },
    ],
    [
      'an entry that is gone',
      'DELETE FROM log_1 WHERE position = (SELECT max(position) FROM log_1)',
      { fault: 'entry-missing' },
    ],
    [
      'a block that is gone',
      "DELETE FROM store_1 WHERE key = 'blocks/000000000002'",
      { fault: 'height-differs', height: 2 },
    ],
    [
      'a block that was changed',
      `UPDATE store_1 SET value = CAST(replace(value, '"sealedAt":"2', '"sealedAt":"1') AS BLOB) WHERE key = 'blocks/000000000001'`,
      { fault: 'previous-differs', height: 2 },
    ],
    [
      'a payload that was changed',
      "UPDATE store_1 SET value = CAST(substr(value, 1, 60) || 'xxxx' || substr(value, 65) AS BLOB) WHERE key = (SELECT key FROM store_1 WHERE key LIKE 'payload/%' ORDER BY key LIMIT 1)",
      { fault: 'payload-differs', index: 0 },
    ],
    [
      'payloads that are missing',
      "DELETE FROM store_1 WHERE key LIKE 'payload/%'",
      { fault: 'payload-missing', index: 5 },
    ],
    [
      'an outcome that was changed',
      "UPDATE store_1 SET value = zeroblob(80) WHERE key LIKE 'outcome/%'",
      { fault: 'outcome-differs', index: 2 },
    ],
  ])('for %s', async (_, sql, expected) => {
    const { code, json } = await verify(`sqlite:${filled.changed(sql)}`);
    expect({ code, json }).toMatchObject({ code: 3, json: { ok: false, ...expected } });
  });

  it('but not for what was deleted of settled deferrals, as it is in time', async () => {
    const sql = `DELETE FROM store_1 WHERE key IN ('payload/${filled.performed}', 'outcome/${filled.performed}/1')`;
    const { code, json } = await verify(`sqlite:${filled.changed(sql)}`);
    expect({ code, json }).toMatchObject({ code: 0, json: { records: { payloads: 302, outcomes: 0 } } });
  });

  it('for a backup that was put back, and a tail that was cut off, by the checkpoint that was kept', async () => {
    const cut = filled.changed(
      "DELETE FROM log_1 WHERE position >= 5; DELETE FROM store_1 WHERE key > 'blocks/000000000004' AND key < 'blocks/a'",
    );
    expect(await verify(`sqlite:${cut}`)).toMatchObject({ code: 0 });
    expect(await verify(`sqlite:${cut}`, '--old-checkpoint', filled.early)).toMatchObject({ code: 0 });
    const { code, json } = await verify(`sqlite:${cut}`, '--old-checkpoint', filled.late);
    expect({ code, json }).toMatchObject({ code: 3, json: { fault: 'truncated', index: 5 } });
  });

  it('for a history that its own signer wrote anew', async () => {
    const forger = await ledgerBench();
    for (const name of keyFiles(filled.directory))
      cpSync(join(filled.directory, name), join(forger.directory, name));
    const { ledger, close } = await forger.open();
    expect(ledger.verifierKey).toBe(filled.verifierKey);
    for (let i = 0; i < 8; i++) await ledger.accept(acceptanceOf());
    await close();
    expect(await verify(`sqlite:${forger.directory}`)).toMatchObject({ code: 0 });
    const { code, json } = await verify(`sqlite:${forger.directory}`, '--old-checkpoint', filled.early);
    expect({ code, json }).toMatchObject({ code: 3, json: { fault: 'old-checkpoint-differs' } });
    await forger.end();
  });

  it('for a deferral that its own signer says was performed and never accepted', async () => {
    const bench = await ledgerBench();
    const { ledger, engine, close } = await bench.open();
    const { payload, ...rest } = entryOf(1, { type: 'performing', attempt: 1, application: 'payments' });
    await engine.log.append([encodeEntry(rest)]);
    await ledger.recover();
    await close();
    const { code, json } = await verify(`sqlite:${bench.directory}`);
    expect({ code, json }).toMatchObject({ code: 3, json: { fault: 'never-accepted', index: 0, height: 0 } });
    await bench.end();
  });

  it.each<[string, (directory: string) => void, object]>([
    ['an entry in a bundle', (d) => flip(join(d, 'tile/entries/000'), 2_000), { fault: 'root-differs' }],
    ['the last entry', (d) => flip(join(d, 'tile/entries/001.p/50'), 40), { fault: 'root-differs' }],
    ['a block', (d) => flip(join(d, 'blocks.ndjson'), 300), { ok: false }],
    [
      'the root in the checkpoint',
      (d) =>
        writeFileSync(
          join(d, 'checkpoint'),
          readFileSync(join(d, 'checkpoint'), 'utf8').replace(/\n.{4}/, '\n0007'),
        ),
      { ok: false },
    ],
  ])('for tiles in which somebody changed %s', async (_, change, expected) => {
    const { code, json } = await verify(changedTiles(change), ...withKey());
    expect({ code, json }).toMatchObject({ code: 3, json: expected });
  });

  it('for hash tiles that were changed, where they are all there is', async () => {
    const hashesOnly = (more: (d: string) => void): string =>
      changedTiles((d) => {
        rmSync(join(d, 'tile/entries'), { recursive: true });
        rmSync(join(d, 'blocks.ndjson'));
        more(d);
      });
    const well = await verify(
      hashesOnly(() => {}),
      ...withKey(),
    );
    expect(well).toMatchObject({ code: 0, json: { checked: ['signatures', 'tree'] } });
    const bad = await verify(
      hashesOnly((d) => flip(join(d, 'tile/0/000'), 77)),
      ...withKey(),
    );
    expect(bad).toMatchObject({ code: 3, json: { fault: 'checkpoint-differs' } });
  });

  it('for the key of somebody else', async () => {
    const stranger = 'ledger.example/payments+e2116382+AQOhB7/zzhC+HXDdGOdLwJln5NYwm6UNXx3chmQSVTG4';
    for (const place of [`sqlite:${filled.directory}`, `tiles:${tiles}`, filled.url]) {
      const { code, json } = await verify(place, '--verifier-key', stranger);
      expect({ code, json }).toMatchObject({ code: 3, json: { fault: 'checkpoint-unverified' } });
    }
    const both = `${stranger} ${filled.verifierKey}`;
    expect(await verify(`tiles:${tiles}`, '--verifier-key', both)).toMatchObject({ code: 0 });
  });
});

describe('slackwater verify ends with 1', () => {
  it.each<[string, (directory: string) => void, RegExp]>([
    [
      'no checkpoint, as an export that was cut off',
      (d) => rmSync(join(d, 'checkpoint')),
      /has no checkpoint/,
    ],
    [
      'no bundle where there must be one',
      (d) => rmSync(join(d, 'tile/entries/000')),
      /has no tile\/entries\/000/,
    ],
    ['a bundle that is cut off', (d) => writeFileSync(join(d, 'tile/entries/000'), 'x'), /tile-malformed/],
    [
      'a bundle that is larger than any',
      (d) => writeFileSync(join(d, 'tile/entries/001.p/50'), Buffer.alloc(17_000_000)),
      /it can have 16777472 at most/,
    ],
  ])('for a directory with %s', async (_, change, message) => {
    expect(await verify(changedTiles(change), ...withKey())).toMatchObject({
      code: 1,
      err: expect.stringMatching(message),
    });
  });

  it('for a server that is not there, or sends one elsewhere', async () => {
    const nowhere = await verify('http://127.0.0.1:9/slackwater/ledger/main', ...withKey());
    expect(nowhere).toMatchObject({ code: 1, err: expect.stringMatching(/can't be read/) });
    // The command says what fetch keeps to itself: whose fault it is, and the way out.
    const redirecting = createServer((_, res) => res.writeHead(302, { location: filled.url }).end());
    await new Promise<void>((resolve) => redirecting.listen(0, '127.0.0.1', resolve));
    const { port } = redirecting.address() as AddressInfo;
    try {
      for (const [url, said] of [
        ['http://127.0.0.1:6000/ledger/main', /127\.0\.0\.1:6000\/.*to no port 6000, .*another port/],
        [`http://127.0.0.1:${port}/`, /redirects.*give the URL that it leads to/],
      ] as const) {
        expect(await verify(url, ...withKey())).toMatchObject({ code: 1, err: expect.stringMatching(said) });
      }
    } finally {
      redirecting.close();
    }
    const other = await verify(filled.url.replace('/default', '/other'), ...withKey());
    expect(other).toMatchObject({ code: 1, err: expect.stringMatching(/has no checkpoint/) });
  });
});

describe('slackwater verify ends with 2', () => {
  it.each<[readonly string[], RegExp]>([
    [[], /--ledger is missing/],
    [['--ledger', 'x'], /give one of sqlite:..., nats:..., postgres:..., tiles:..., https/],
    [['--ledger', 'tiles:/nowhere'], /is no directory/],
    [['--ledger', 'https://'], /that is no URL/],
    [['--ledger', 'http://127.0.0.1:9/x', '--keys', 'x'], /--keys is for a ledger in an engine/],
    [['--ledger', 'nats:127.0.0.1:9', '--application', 'a'], /--keys is missing/],
    [['--ledger', 'sqlite:/nowhere', '--token', 'x'], /--token is for a gate/],
    [['--ledger', 'sqlite:/nowhere', '--old-checkpoint', '/nowhere'], /\/nowhere can't be read/],
    [['--ledger', 'sqlite:/nowhere', '--verbose'], /--verbose/],
  ])('for %j', async (args, message) => {
    expect(await slackwaterSays('verify', ...args)).toMatchObject({
      code: 2,
      out: '',
      err: expect.stringMatching(message),
    });
  });

  it('where nothing says whom to believe', async () => {
    const { code, err } = await verify(`tiles:${tiles}`);
    expect({ code, err }).toMatchObject({ code: 2, err: expect.stringMatching(/--verifier-key is missing/) });
    const keyless = filled.changed('SELECT 1');
    for (const name of keyFiles(keyless)) renameSync(join(keyless, name), join(keyless, `was-${name}`));
    expect(await verify(`sqlite:${keyless}`)).toMatchObject({ code: 2 });
    const { code: known, json } = await verify(`sqlite:${keyless}`, ...withKey());
    expect({ known, json }).toMatchObject({
      known: 0,
      json: { checked: expect.not.arrayContaining(['records']) },
    });
  });
});
