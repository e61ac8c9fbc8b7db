import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { accepted, type Bench, ledgerBench } from '../ledger/ledgers.ts';
import { slackwaterSays } from './command-line.ts';

let bench: Bench;
beforeAll(async () => {
  bench = await ledgerBench();
  const { ledger, close } = await bench.open();
  for (let i = 0; i < 5; i++) {
    const { id } = await accepted(ledger);
    if (i % 2 === 0) await ledger.step(id, { type: 'performing', token: 1 });
  }
  await close();
});
afterAll(() => bench.end());

const indexes = (directory: string): string[] =>
  readdirSync(directory).filter((name) => /^index-v\d+-.*\.db$/.test(name));

describe('slackwater reindex', () => {
  it('makes the index beside the ledger, from the first entry on, whatever was there', async () => {
    const { code, out, err } = await slackwaterSays('reindex', '--ledger', `sqlite:${bench.directory}`);
    expect([code, err]).toEqual([0, expect.stringContaining('reading entries: 8 of 8 (100 %)')]);
    const made = JSON.parse(out);
    expect(made).toMatchObject({
      entries: 8,
      deferrals: 5,
      corrupt: 0,
      parked: 0,
      unreadable: 0,
      application: 'payments',
      group: 'default',
    });
    expect(indexes(bench.directory)).toHaveLength(1);
    writeFileSync(made.file, 'damaged');
    const again = await slackwaterSays('reindex', '--ledger', `sqlite:${bench.directory}`);
    expect(JSON.parse(again.out)).toMatchObject({ entries: 8, deferrals: 5, file: made.file });
  });

  it('makes it where it is told to', async () => {
    const directory = join(bench.directory, 'elsewhere');
    const said = await slackwaterSays(
      'reindex',
      '--ledger',
      `sqlite:${bench.directory}`,
      '--directory',
      directory,
    );
    expect(JSON.parse(said.out).file.startsWith(directory)).toBe(true);
    expect(indexes(directory)).toHaveLength(1);
  });

  it('ends with 3 where an entry is none, and says what to do', async () => {
    bench.database((db) => db.exec("UPDATE log_1 SET entry = CAST('{}' AS BLOB) WHERE position = 3"));
    const { code, out, err } = await slackwaterSays('reindex', '--ledger', `sqlite:${bench.directory}`);
    expect([code, JSON.parse(out).unreadable]).toEqual([3, 1]);
    expect(err).toContain('1 entries are unreadable: verify the ledger');
  });

  it.each([
    [[], '--ledger is missing'],
    [['--ledger', 'sqlite:/nowhere/at/all'], 'holds no ledger'],
    [['--ledger', 'nats:127.0.0.1:1', '--application', 'shop'], '--keys is missing'],
    [['--index', 'x'], "Unknown option '--index'"],
  ])('refuses %j with 2', async (args, said) => {
    const { code, err } = await slackwaterSays('reindex', ...args);
    expect([code, err]).toEqual([2, expect.stringContaining(said)]);
  });

  it('has a help that names every option', async () => {
    const { code, out } = await slackwaterSays('reindex', '--help');
    expect(code).toBe(0);
    for (const option of ['--ledger', '--directory', '--application', '--group', '--keys']) {
      expect(out).toContain(option);
    }
  });
});
