import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { beginDirectory, beginFile } from '../../../packages/middleware/src/cli/export/unfinished.ts';
import { headIn, leafOf, openSigned, TiledLog } from '../answer/resources/stranger.ts';
import { slackwaterSays } from './command-line.ts';
import { type FilledLedger, filledLedger, saysJson } from './filled-ledger.ts';

let filled: FilledLedger;
beforeAll(async () => {
  filled = await filledLedger();
});
afterAll(() => filled.end());

const place = (): string => `sqlite:${filled.directory}`;
const exported = (...more: string[]): ReturnType<typeof saysJson> =>
  saysJson('export', '--ledger', place(), ...more);

describe('slackwater export', () => {
  it("writes tiles in which a stranger's tool finds checkpoint, root and every entry (C2SP tlog-tiles)", async () => {
    const directory = filled.fresh('tiles');
    const { code, json } = await exported('--tiles', directory);
    expect({ code, json }).toEqual({
      code: 0,
      json: { directory, entries: filled.entries, files: 7 },
    });
    const head = headIn(openSigned(readFileSync(join(directory, 'checkpoint'), 'utf8'), filled.verifierKey));
    expect(head.size).toBe(filled.entries);
    const log = new TiledLog(head.size, (path) => readFile(join(directory, path)));
    expect(await log.hash(0, head.size)).toEqual(head.root);
    const entries = [...(await log.entries(0)), ...(await log.entries(1))];
    expect(entries).toHaveLength(filled.entries);
    expect(await log.hash(300, 301)).toEqual(leafOf(entries[300] ?? Buffer.alloc(0)));
    const all = readdirSync(directory, { recursive: true, withFileTypes: true }).filter((file) =>
      file.isFile(),
    );
    expect(all).toHaveLength(7);
  });

  it('writes the entries as lines, the very bytes that are hashed, to a file and to standard output', async () => {
    const file = filled.fresh('entries.ndjson');
    expect(await exported('--ndjson', file)).toMatchObject({
      code: 0,
      json: { file, entries: filled.entries },
    });
    const lines = readFileSync(file, 'utf8').split('\n');
    expect(lines.pop()).toBe('');
    expect(lines).toHaveLength(filled.entries);
    const stored = filled.office.bench.database((db) =>
      db.prepare('SELECT entry FROM log_1 ORDER BY position').all(),
    );
    expect(lines).toEqual(stored.map(({ entry }) => Buffer.from(entry as Uint8Array).toString('utf8')));
    const said = await slackwaterSays('export', '--ledger', place(), '--ndjson', '-');
    expect(said).toMatchObject({
      code: 0,
      out: `${lines.join('\n')}\n`,
      err: expect.stringMatching(/wrote 306 entries/),
    });
  });

  it('writes the same tiles of a gate that is read over HTTP', async () => {
    const [here, there] = [filled.fresh('here'), filled.fresh('there')];
    await exported('--tiles', here);
    const args = ['--ledger', filled.url, '--token', filled.token, '--tiles', there];
    expect(await saysJson('export', ...args)).toMatchObject({ code: 0 });
    for (const file of [
      'checkpoint',
      'blocks.ndjson',
      'tile/0/000',
      'tile/0/001.p/50',
      'tile/1/000.p/1',
      'tile/entries/001.p/50',
    ])
      expect(readFileSync(join(there, file)).equals(readFileSync(join(here, file))), file).toBe(true);
  });

  it('ends with 3 where the entries are not those that were sealed, and leaves no checkpoint beside them', async () => {
    const bad = filled.changed(
      "UPDATE log_1 SET entry = CAST(replace(entry, 'settle', 'sottle') AS BLOB) WHERE position = 4",
    );
    const directory = filled.fresh('bad');
    const said = await slackwaterSays('export', '--ledger', `sqlite:${bad}`, '--tiles', directory);
    expect(said).toMatchObject({
      code: 3,
      err: expect.stringMatching(/the entries 4 to 4 .* not those that block 4 seals/),
    });
    expect(existsSync(join(directory, 'checkpoint'))).toBe(false);
  });

  it('throws away what an export left that was interrupted, and begins again', async () => {
    const [directory, file] = [filled.fresh('interrupted'), filled.fresh('interrupted.ndjson')];
    // Entry 4 of this one is another one: the export ends there, with what was written before.
    const bad = filled.changed(
      "UPDATE log_1 SET entry = CAST(replace(entry, 'settle', 'sottle') AS BLOB) WHERE position = 4",
    );
    for (const to of [
      ['--tiles', directory],
      ['--ndjson', file],
    ]) {
      expect((await slackwaterSays('export', '--ledger', `sqlite:${bad}`, ...to)).code).toBe(3);
    }
    expect(readdirSync(directory).sort()).toEqual(['.unfinished', 'blocks.ndjson']);
    mkdirSync(join(directory, 'tile/0'), { recursive: true });
    writeFileSync(join(directory, 'tile/0/007'), 'half of what it should be');
    expect(existsSync(file)).toBe(false);
    expect(existsSync(`${file}.unfinished`)).toBe(true);

    expect(await exported('--tiles', directory)).toMatchObject({ code: 0, json: { files: 7 } });
    expect(await exported('--ndjson', file)).toMatchObject({ code: 0, json: { entries: filled.entries } });
    expect(readdirSync(directory).sort()).toEqual(['blocks.ndjson', 'checkpoint', 'tile']);
    expect(readdirSync(join(directory, 'tile/0')).sort()).toEqual(['000', '001.p']);
    expect(readFileSync(file, 'utf8').split('\n')).toHaveLength(filled.entries + 1);
    expect(existsSync(`${file}.unfinished`)).toBe(false);
    const args = ['--ledger', `tiles:${directory}`, '--verifier-key', filled.verifierKey];
    expect(await saysJson('verify', ...args)).toMatchObject({ code: 0 });
    // An export that is finished is nothing that was left.
    expect(await exported('--tiles', directory)).toMatchObject({ code: 2 });
  });

  it('goes on by the later of two into one place, and the other calls nothing finished', async () => {
    const [directory, file] = [filled.fresh('twice'), filled.fresh('twice.ndjson')];
    const [first, lines] = [await beginDirectory(directory, []), await beginFile(file)];
    try {
      expect(await exported('--tiles', directory)).toMatchObject({ code: 0 });
      expect(await exported('--ndjson', file)).toMatchObject({ code: 0 });
      const taken = expect.objectContaining({ message: expect.stringContaining('another export has begun') });
      await expect(first.finish()).rejects.toEqual(taken);
      await expect(lines.finish()).rejects.toEqual(taken);
    } finally {
      await Promise.all([first.close(), lines.close()]);
    }
  });

  it('never writes over anything', async () => {
    const directory = filled.fresh('full');
    mkdirSync(directory);
    writeFileSync(join(directory, 'mine'), 'mine');
    expect(await exported('--tiles', directory)).toMatchObject({
      code: 2,
      err: expect.stringMatching(/empty directory/),
    });
    expect(await exported('--ndjson', join(directory, 'mine'))).toMatchObject({ code: 2 });
    expect(readFileSync(join(directory, 'mine'), 'utf8')).toBe('mine');
  });

  it.each<[readonly string[], RegExp]>([
    [[], /give one of --ndjson and --tiles/],
    [['--ndjson', 'a', '--tiles', 'b'], /give one of --ndjson and --tiles/],
    [['--ndjson', '-', '--json'], /standard output has the entries/],
  ])('refuses %j', async (args, message) => {
    const said = await slackwaterSays('export', '--ledger', place(), ...args);
    expect(said).toMatchObject({ code: 2, out: '', err: expect.stringMatching(message) });
  });

  it('says of a gate that shows no entries what it takes', async () => {
    const said = await slackwaterSays('export', '--ledger', filled.url, '--tiles', filled.fresh('none'));
    expect(said).toMatchObject({
      code: 1,
      err: expect.stringMatching(/shows no entries; --token may be missing/),
    });
  });
});

describe('slackwater inspect', () => {
  const inspect = (...args: string[]): ReturnType<typeof saysJson> =>
    saysJson('inspect', '--ledger', place(), ...args);

  it('shows how far a ledger has come', async () => {
    const checkpoint = readFileSync(filled.late, 'utf8');
    const known = {
      origin: filled.office.ledger.origin,
      sealed: filled.entries,
      entries: filled.entries,
      checkpoint,
    };
    const { json } = await inspect();
    expect(json).toMatchObject({ ...known, blocks: filled.blocks, verifierKey: filled.verifierKey });
    const served = await saysJson('inspect', '--ledger', filled.url);
    expect(served).toMatchObject({ code: 0, json: { ...known, blocks: filled.blocks } });
  });

  it('shows a checkpoint that can be kept as it is', async () => {
    const { out } = await slackwaterSays('inspect', '--ledger', place(), '--checkpoint');
    expect(out).toBe(readFileSync(filled.late, 'utf8'));
    expect(await inspect('--checkpoint')).toMatchObject({ json: { checkpoint: out } });
  });

  it('shows an entry, a block, and what became of a deferral', async () => {
    const { json: first } = await inspect('--entry', '0');
    expect(first).toMatchObject({ index: 0, entry: { type: 'accepted', id: filled.performed } });
    const served = ['--ledger', filled.url, '--token', filled.token];
    expect((await saysJson('inspect', ...served, '--entry', '300')).json).toEqual(
      (await inspect('--entry', '300')).json,
    );
    expect((await inspect('--block', '2')).json).toMatchObject({ height: 2, first: 2 });
    expect((await inspect('--deferral', filled.performed)).json).toMatchObject({
      deferral: filled.performed,
      entries: [
        { entry: { type: 'accepted' } },
        { entry: { type: 'performing' } },
        { index: 2, entry: { type: 'performed' } },
      ],
    });
    expect((await inspect('--deferral', 'nobody')).json).toEqual({ deferral: 'nobody', entries: [] });
    const said = await slackwaterSays('inspect', '--ledger', place(), '--block', '0');
    expect(JSON.parse(said.out)).toMatchObject({ height: 0 });
  });

  it.each<[readonly string[], number, RegExp]>([
    [['--entry', '9999'], 1, /has no entry 9999; it has 306/],
    [['--block', '9999'], 1, /has no block 9999/],
    [['--entry', '-1'], 2, /--entry/],
    [['--entry', '1e3'], 2, /"1e3": give a number/],
    [['--entry', '1', '--block', '1'], 2, /give one of --entry and --block/],
  ])('refuses %j with %d', async (args, code, message) => {
    const said = await slackwaterSays('inspect', '--ledger', place(), ...args);
    expect(said).toMatchObject({ code, out: '', err: expect.stringMatching(message) });
  });
});

it.each(['verify', 'inspect', 'export'])(
  'slackwater %s --help says what it does, and stands in the overview',
  async (command) => {
    const { code, out } = await slackwaterSays(command, '--help');
    expect({ code, out }).toMatchObject({
      code: 0,
      out: expect.stringMatching(new RegExp(`^Usage: slackwater ${command} `)),
    });
    expect(out.split('\n').filter((line) => line.length > 112)).toEqual([]);
    expect((await slackwaterSays('--help')).out).toMatch(new RegExp(`^ {2}${command} `, 'm'));
  },
);

describe('docs/verifying.md', () => {
  const guide = readFileSync(new URL('../../../docs/verifying.md', import.meta.url), 'utf8');
  const commands = [...guide.matchAll(/```sh\n(.*?)```/gs)].flatMap(([, block = '']) =>
    block.split('\n').filter((line) => line.startsWith('npx slackwater ')),
  );

  it('has commands that do what it says, one after the other', async () => {
    const kept = filled.fresh('kept-today.txt');
    const here: Readonly<Record<string, string>> = {
      '"$VERIFIER_KEY"': filled.verifierKey,
      'https://shop.example/slackwater/ledger/main': filled.url,
      'sqlite:/var/lib/shop/.slackwater': place(),
      'token.jwt': filled.token,
      'kept.txt': filled.early,
      'kept-today.txt': kept,
      'entries.ndjson': filled.fresh('entries.ndjson'),
      '01M7ZD1DP7WKYR17QTSRQ64355': filled.performed,
    };
    const tiles = filled.fresh('shop-tiles');
    for (const command of commands) {
      const [line = '', file] = command.slice('npx slackwater '.length).split(' > ');
      const args = line.split(' ').map((word) => here[word] ?? word.replace('shop-tiles', tiles));
      const { code, out, err } = await slackwaterSays(...args);
      expect(code, `${command}\n${err}`).toBe(0);
      if (file !== undefined) writeFileSync(here[file] ?? '', out);
    }
    expect(commands.length).toBeGreaterThan(8);
    expect(readFileSync(kept, 'utf8')).toBe(readFileSync(filled.late, 'utf8'));
  });
});

describe('docs/reference/cli.md', () => {
  it('has every option of every command, and the commands no others', async () => {
    const page = readFileSync(new URL('../../../docs/reference/cli.md', import.meta.url), 'utf8');
    const sections = new Map(page.split(/^## /m).map((text) => [text.slice(0, text.indexOf('\n')), text]));
    const place = optionsIn(sections.get('Where a ledger is') ?? '');
    for (const command of ['copy', 'export', 'inspect', 'keys', 'train', 'verify']) {
      const { out } = await slackwaterSays(command, '--help');
      const documented = optionsIn(sections.get(command) ?? '');
      const inHelp = optionsIn(out);
      const missing = inHelp.filter((option) => !documented.includes(option) && !place.includes(option));
      expect(missing, command).toEqual([]);
      expect(
        documented.filter((option) => !inHelp.includes(option)),
        command,
      ).toEqual([]);
    }
  });
});

function optionsIn(text: string): readonly string[] {
  return [...new Set(text.match(/--[a-z][a-z-]*/g))];
}
