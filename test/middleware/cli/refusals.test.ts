import { readdirSync, renameSync, writeFileSync } from 'node:fs';
import { symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { copyLedger } from '../../../packages/middleware/src/cli/copy/copy-ledger.ts';
import { systemClock } from '../../../packages/middleware/src/clock.ts';
import { sqliteEngine } from '../../../packages/middleware/src/engines/sqlite/sqlite-engine.ts';
import { accepted, type Bench, bytesOf, ledgerBench } from '../ledger/ledgers.ts';
import { copied, type Said, slackwaterSays, start } from './command-line.ts';
import { rowsOf } from './rows.ts';

let source: Bench;
let target: Bench;
beforeEach(async () => {
  source = await ledgerBench();
  target = await ledgerBench();
});
afterEach(async () => {
  await source.end();
  await target.end();
});

/** A ledger of so many entries, each in a block of its own. */
async function fill(bench: Bench, count: number): Promise<void> {
  const { ledger, close } = await bench.open();
  for (let i = 0; i < count; i++) await accepted(ledger);
  await close();
}

function copy(...more: readonly string[]): Promise<Said> {
  return slackwaterSays(
    'copy',
    '--from',
    `sqlite:${source.directory}`,
    '--to',
    `sqlite:${target.directory}`,
    ...more,
  );
}

describe('slackwater copy', () => {
  it('refuses a target that holds another ledger, and changes nothing there', async () => {
    await fill(source, 2);
    await fill(target, 3);
    const before = rowsOf(target);
    const said = await copy();
    expect(said).toMatchObject({ code: 1, out: '' });
    expect(said.err).toContain(
      'the target is not a part of this ledger: it holds the ledger payments/default/',
    );
    expect(rowsOf(target)).toEqual(before);
  });

  it('refuses a target that holds something of nobody knows whom, and puts no keys there', async () => {
    await fill(source, 1);
    const { engine, abandon } = await target.open();
    await engine.log.append([Buffer.from('something')]);
    target.database((database) => database.exec('DELETE FROM store_1'));
    await abandon();
    const [keys = ''] = readdirSync(target.directory).filter((name) => name.startsWith('keys-'));
    renameSync(join(target.directory, keys), join(target.directory, 'aside'));
    const said = await copy();
    expect(said.code).toBe(1);
    expect(said.err).toContain("it holds 1 entries, and no ledger's name");
    expect(readdirSync(target.directory)).not.toContain(keys);
  });

  it('refuses a copy that went on by itself, and one whose source then went another way', async () => {
    await fill(source, 2);
    await copied(source.directory, target.directory);
    await fill(target, 1);
    const said = await copy();
    expect(said.code).toBe(1);
    expect(said.err).toContain('it went on by itself, the source ends after 2 entries');
    // A gate may still open it.
    const { close } = await target.open();
    await close();

    await fill(source, 2);
    const later = await copy();
    expect(later.code).toBe(1);
    expect(later.err).toContain('its entry 2 is another one');
  });

  it('names the entry of the source that was altered, and copies nothing of its block', async () => {
    await fill(source, 5);
    source.database((database) => {
      const row = database.prepare('SELECT entry FROM log_1 WHERE position = 3').get();
      const text = Buffer.from(bytesOf(row?.['entry'])).toString('utf8').replace('settle', 'refund');
      database.prepare('UPDATE log_1 SET entry = ? WHERE position = 3').run(Buffer.from(text, 'utf8'));
    });
    const said = await copy();
    expect(said).toMatchObject({ code: 1, out: '' });
    expect(said.err).toContain('root-differs');
    expect(said.err).toContain('the entries 3 to 3 of block 3 are not those that were sealed');
    expect(rowsOf(target).log.length).toBeLessThanOrEqual(3);
    await expect(target.open()).rejects.toMatchObject({ code: 'ledger-copy-unfinished' });
  });

  it('goes on once the altered entry is put back', async () => {
    await fill(source, 5);
    const alter = (from: string, to: string): void =>
      source.database((database) => {
        const row = database.prepare('SELECT entry FROM log_1 WHERE position = 3').get();
        const text = Buffer.from(bytesOf(row?.['entry'])).toString('utf8').replace(from, to);
        database.prepare('UPDATE log_1 SET entry = ? WHERE position = 3').run(Buffer.from(text, 'utf8'));
      });
    alter('"workType":"settle"', '"workType":"refund"');
    expect((await copy()).code).toBe(1);
    alter('"workType":"refund"', '"workType":"settle"');
    expect(await copied(source.directory, target.directory)).toMatchObject({ entries: 5, verified: true });
  });

  it.each([
    ['a changed block', "UPDATE store_1 SET value = CAST('{}' AS BLOB) WHERE key = 'blocks/000000000002'"],
    ['a missing block', "DELETE FROM store_1 WHERE key = 'blocks/000000000002'"],
    ['a missing entry', 'DELETE FROM log_1 WHERE position = 4'],
    [
      'a changed last block',
      "UPDATE store_1 SET value = CAST('{}' AS BLOB) WHERE key = 'blocks/000000000004'",
    ],
  ])('refuses a source that has %s', async (_, sql) => {
    await fill(source, 5);
    source.database((database) => database.exec(sql));
    const said = await copy();
    expect(said).toMatchObject({ code: 1, out: '' });
    expect(said.err).toMatch(/the source is not what was sealed|the source's last block/);
  });

  it('refuses a finished copy in which an entry was altered', async () => {
    await fill(source, 3);
    await copied(source.directory, target.directory);
    target.database((database) =>
      database.exec("UPDATE log_1 SET entry = CAST('{}' AS BLOB) WHERE position = 1"),
    );
    const said = await copy();
    expect(said.code).toBe(1);
    expect(said.err).toContain('its entry 1 is another one');
  });

  it('finds by verifying the copy that the target did not store what it was given', async () => {
    await fill(source, 3);
    const both = await openBoth();
    const { log } = both.target;
    const append: typeof log.append = (entries) => log.append([...entries.slice(0, -1), Buffer.from('{}')]);
    const copying = copyLedger({ ...both.copying, target: { ...both.target, log: { ...log, append } } });
    await expect(copying).rejects.toThrow(
      /^the copy is not what was sealed \(root-differs\): .*entry 2 is no entry/,
    );
    await both.close();
    await expect(target.open()).rejects.toMatchObject({ code: 'ledger-copy-unfinished' });
  });

  it('finds that somebody else appends to the target', async () => {
    await fill(source, 3);
    const both = await openBoth();
    const { log } = both.target;
    const append: typeof log.append = async (entries) => {
      await log.append([Buffer.from('{}')]);
      return log.append(entries);
    };
    const copying = copyLedger({ ...both.copying, target: { ...both.target, log: { ...log, append } } });
    await expect(copying).rejects.toThrow('entry 0 became its entry 1');
    await both.close();
  });

  it.each([
    ['recorded before the values are compared', 1, /it had 2 entries in 2 blocks and has 3 in 3. End the/],
    ['recorded after the values are compared', 2, /it had 2 entries in 2 blocks and has 3 in 3. End the/],
    ['kept', 1, /^access\/\w+ is another in the source and in the target: somebody wrote/],
  ])(
    'notices that something is %s in the source meanwhile, and goes on later',
    async (what, pass, sentence) => {
      const { ledger, close } = await source.open();
      await accepted(ledger);
      const { id } = await accepted(ledger, { idempotencyKey: 'again' });
      const both = await openBoth();
      const { store } = both.source;
      let passes = 0;
      const list: typeof store.list = async (prefix, options) => {
        const page = await store.list(prefix, options);
        if (prefix === '' && page.length === 0) passes += 1;
        if (prefix !== '' || page.length > 0 || passes !== pass) return page;
        if (what === 'kept') await store.put(`access/${id}`, Buffer.from('[]'));
        else await accepted(ledger);
        return page;
      };
      const copying = copyLedger({ ...both.copying, source: { ...both.source, store: { ...store, list } } });
      await expect(copying).rejects.toThrow(sentence);
      await both.close();
      await close();
      expect(await copied(source.directory, target.directory)).toMatchObject({ verified: true });
    },
  );

  it('refuses a source that is a copy itself, and not finished', async () => {
    await fill(source, 2);
    source.database((database) =>
      database.exec(
        `UPDATE store_1 SET value = CAST(replace(CAST(value AS TEXT), '}', ',"unfinishedCopy":true}') AS BLOB)
           WHERE key = 'ledger/identity'`,
      ),
    );
    const said = await copy();
    expect(said.code).toBe(1);
    expect(said.err).toContain('the source is a copy that was not finished');
  });

  it('refuses a source whose key file is gone, or is that of another ledger', async () => {
    await fill(source, 1);
    await fill(target, 1);
    const [keys = ''] = readdirSync(source.directory).filter((name) => name.startsWith('keys-'));
    renameSync(join(source.directory, keys), join(source.directory, 'aside'));
    const said = await copy();
    expect(said.code).toBe(1);
    expect(said.err).toContain(`${keys}, the source's key file, is gone`);
    renameSync(join(target.directory, keys), join(source.directory, keys));
    const other = await copy();
    expect(other.code).toBe(1);
    expect(other.err).toContain("the source's ledger was written with other keys than these");
  });

  it('refuses a directory that has keys of its own for that ledger', async () => {
    await fill(source, 1);
    const [keys = ''] = readdirSync(source.directory).filter((name) => name.startsWith('keys-'));
    writeFileSync(join(target.directory, keys), '{}', { mode: 0o600 });
    const said = await copy();
    expect(said.code).toBe(1);
    expect(said.err).toContain('has other keys of that application and group');
  });

  it('says of bad input what was given and what to give, and ends with 2', async () => {
    await fill(source, 1);
    const from = ['--from', `sqlite:${source.directory}`];
    const cases: readonly (readonly [readonly string[], string])[] = [
      [[], '--from is missing'],
      [from, '--to is missing'],
      [[...from, '--to', 'sqlite:'], '--to "sqlite:...": give one of sqlite:...'],
      [[...from, '--to', 'redis://user:secret@host'], '--to "redis:...": give one of sqlite:...'],
      [[...from, '--to', '/some/where'], '--to "/some/where": give one of'],
      [
        [...from, '--to', `sqlite:${source.directory}/../${source.directory.split('/').at(-1)}`],
        'are the same',
      ],
      [[...from, '--to', 'sqlite:x', '--group', 'a b'], '--group "a b": give 1 to 64 letters'],
      [[...from, '--to', 'sqlite:x', '--group', 'eu'], 'holds no ledger of that name; give one of'],
      [[...from, '--to', 'sqlite:x', '--keys', 'k'], '--keys "k": the keys go along by themselves'],
      [[...from, ...from, '--to', 'sqlite:x'], '--from is there 2 times'],
      [[...from, '--too', 'sqlite:x'], "Unknown option '--too'"],
      [
        ['--from', `sqlite:${target.directory}`, '--to', 'sqlite:x'],
        'holds no ledger; is it the right directory?',
      ],
      [
        ['--from', `sqlite:${import.meta.filename}`, '--to', 'sqlite:x'],
        'is not slackwater.db; give the directory',
      ],
    ];
    for (const [args, sentence] of cases) {
      const said = await slackwaterSays('copy', ...args);
      expect(said, said.err).toMatchObject({ code: 2, out: '' });
      expect(said.err).toContain(sentence);
      expect(said.err).not.toContain('secret');
    }
    expect(readdirSync(target.directory)).toEqual([]);
  });

  it('knows one directory under two names', async () => {
    await fill(source, 1);
    const alias = join(target.directory, 'alias');
    await symlink(source.directory, alias);
    const said = await slackwaterSays(
      'copy',
      '--from',
      `sqlite:${source.directory}`,
      '--to',
      `sqlite:${alias}`,
    );
    expect(said.code).toBe(2);
    expect(said.err).toContain('--from and --to are the same');
  });

  it('ends its process with the same codes, the result on one stream and the progress on the other', async () => {
    await fill(source, 2);
    const places = ['--from', `sqlite:${source.directory}`, '--to', `sqlite:${target.directory}`];
    const done = await start('copy', ...places).ended();
    expect(done.code).toBe(0);
    expect(JSON.parse(done.out)).toMatchObject({ entries: 2, verified: true });
    expect(done.err.split('\n')).toEqual(
      expect.arrayContaining(['entries copied: 2 of 2 (100 %)', 'entries verified: 2 of 2 (100 %)']),
    );
    expect(done.err).not.toContain('Warning');
    expect(await start('copy').ended()).toMatchObject({ code: 2, out: '' });
    await fill(target, 1);
    expect(await start('copy', ...places).ended()).toMatchObject({ code: 1, out: '' });
  });
});

/** Both engines as the command opens them, for those who stand between. */
async function openBoth() {
  const owner = { application: 'payments', group: 'default', clock: systemClock };
  const from = await sqliteEngine({ directory: source.directory }).open(owner);
  const to = await sqliteEngine({ directory: target.directory }).open(owner);
  const keys = await from.keyFile(() => new Uint8Array());
  const placeKeys = async (): Promise<void> => void (await to.keyFile(() => keys));
  const progress = { report: () => {}, say: () => {}, end: () => {} };
  return {
    source: from,
    target: to,
    copying: { ...owner, source: from, target: to, keys, placeKeys, progress },
    async close() {
      await from.close();
      await to.close();
    },
  };
}
