import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { usePostgres } from '../engines/postgres/place.ts';
import { accepted, type Bench, ledgerBench } from '../ledger/ledgers.ts';
import { resultOf, type Said, slackwaterSays, start } from './command-line.ts';
import { rowsOf } from './rows.ts';

const place = usePostgres();
let source: Bench;
let back: Bench;
beforeEach(async () => {
  source = await ledgerBench();
  back = await ledgerBench();
});
afterEach(async () => {
  await source.end();
  await back.end();
});

async function fill(count: number): Promise<string> {
  const { ledger, close } = await source.open();
  const { id } = await accepted(ledger, { idempotencyKey: 'once' });
  await ledger.step(id, { type: 'performing', token: 3 });
  const outcome = { status: 200, headers: [], body: Buffer.from('done') };
  await ledger.step(id, { type: 'performed', token: 3, outcome });
  await Promise.all(Array.from({ length: count }, () => accepted(ledger)));
  await close();
  const [keys = ''] = readdirSync(source.directory).filter((name) => name.startsWith('keys-'));
  return join(source.directory, keys);
}

function urlOf(schema: string, more = ''): string {
  const url = new URL(place.server.connectionString);
  url.searchParams.set('schema', schema);
  return `${url.href}${more}`;
}

function copy(from: string, to: string, ...more: readonly string[]): Promise<Said> {
  return slackwaterSays('copy', '--from', from, '--to', to, ...more);
}

const named = ['--application', 'payments', '--group', 'default'];

describe('slackwater copy to PostgreSQL', () => {
  it('and back gives the very same ledger, also where the first try was killed', {
    timeout: 120_000,
  }, async () => {
    const keys = await fill(600);
    const url = urlOf(place.newSchema(), '&ensure=true');
    const killed = start('copy', '--from', `sqlite:${source.directory}`, '--to', url);
    killed.process.stderr?.once('data', () => killed.process.kill('SIGKILL'));
    await killed.ended();
    const said = await copy(`sqlite:${source.directory}`, url);
    expect(said, said.err).toMatchObject({ code: 0 });
    const verified = await slackwaterSays('verify', '--ledger', url, '--keys', keys, ...named, '--json');
    expect(verified, verified.err).toMatchObject({ code: 0 });
    const { root, entries } = resultOf(said);
    expect(JSON.parse(verified.out)).toMatchObject({ ok: true, root, entries, lives: { late: 0 } });

    const again = await copy(`postgres:${url}`, `sqlite:${back.directory}`, '--keys', keys, ...named);
    expect(again, again.err).toMatchObject({ code: 0 });
    expect(resultOf(again)).toEqual(resultOf(said));
    expect(rowsOf(back)).toEqual(rowsOf(source));
    expect(back.verifyBytes(resultOf(said).verifierKey)).toMatchObject({ ok: true });
  });

  it('makes a schema only where it is told to', async () => {
    await fill(1);
    const said = await copy(`sqlite:${source.directory}`, urlOf(place.newSchema()));
    expect(said.code).toBe(1);
    expect(said.err).toContain('ensure');
  });

  it.each([
    ['postgres:secret', 'give a connection string', 2],
    ['postgres:mysql://a:secret@h/d', 'give a connection string', 2],
    ['postgres://a:secret@127.0.0.1:1/d?ensure=yes', 'postgres:...?ensure=yes: give true or false', 2],
    ['postgres://a:secret@127.0.0.1:1/d?schema=Big', 'schema: "Big"; give', 1],
    ['postgres://a:secret@127.0.0.1:1/d', 'engine-unavailable', 1],
  ])('says what is wrong with %s and shows no secret', async (url, sentence, code) => {
    await fill(1);
    const said = await copy(`sqlite:${source.directory}`, url);
    expect(said.err).toContain(sentence);
    expect(said.code).toBe(code);
    expect(said.err).not.toContain('secret');
  });
});
