import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { type PostgresServer, slowCommits, startPostgres } from '@slackwater/test-support/postgres';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type AddressBook, serve } from '../../examples/drop-in/try/serve.ts';
import {
  copyWithSlackwater,
  difference,
  withoutSlackwater,
} from '../../examples/drop-in/try/with-slackwater.ts';

const run = promisify(execFile);
const copy = copyWithSlackwater();
let server: PostgresServer;

beforeAll(async () => {
  // A disk that others keep busy is a slow database too, and a gate that says so is right. Here it is not to be one.
  server = await startPostgres({ settings: { synchronous_commit: 'off' } });
});

afterAll(async () => {
  await server.stop();
  copy.remove();
});

async function makeDatabase(name: string): Promise<string> {
  const client = new pg.Client({ connectionString: server.connectionString });
  await client.connect();
  await client.query(`CREATE DATABASE ${name}`);
  await client.end();
  return server.connectionString.replace(/\/[^/]*$/, `/${name}`);
}

/** Runs the address book's own tests; gives how many passed. */
async function ownTests(folder: string, database: string): Promise<string | undefined> {
  const env = { ...process.env, DATABASE_URL: await makeDatabase(database) };
  const program = ['--test', '--test-reporter=tap', join(folder, 'src/tests/contacts.test.ts')];
  const { stdout } = await run(process.execPath, program, { cwd: folder, env }).catch((error: unknown) => {
    throw new Error(`Its own tests: ${(error as { readonly stdout?: string }).stdout}`, { cause: error });
  });
  expect(stdout).toContain('# fail 0');
  return /# pass (\d+)/.exec(stdout)?.[1];
}

describe('an application that was written without Slackwater in mind', () => {
  it('is put behind a gate by five lines at most, and none of its own is changed', () => {
    const changed = readFileSync(difference, 'utf8')
      .split('\n')
      .filter((line) => /^[+-](?![+-])/.test(line));
    expect(changed.length).toBeLessThanOrEqual(5);
    expect(changed.filter((line) => line.startsWith('-'))).toEqual([]);
  });

  it('passes its own tests without them and with them', async () => {
    // One after the other: beside each other they are a load that a gate may notice.
    const without = await ownTests(withoutSlackwater, 'without');
    const with_ = await ownTests(copy.folder, 'with_gate');
    expect(Number(without)).toBeGreaterThan(5);
    expect(with_).toBe(without);
  });

  it('makes all callers wait for a slow database without them, and with them tells writers to return and lets readers read', async () => {
    const contact = JSON.stringify({ name: 'Ada', email: 'ada@example.com' });
    const headers = { 'Content-Type': 'application/json' };
    const make = (book: AddressBook): Promise<Response> =>
      fetch(book.contacts, { method: 'POST', headers, body: contact });
    const connectionStrings = [await makeDatabase('slow_without'), await makeDatabase('slow_with')];
    const books = [
      await serve(withoutSlackwater, connectionStrings[0] ?? ''),
      await serve(copy.folder, connectionStrings[1] ?? ''),
    ];
    const pools = connectionStrings.map((connectionString) => new pg.Pool({ connectionString, max: 1 }));
    try {
      const answers = await Promise.all(
        books.map(async (book, at) => {
          const slow = await slowCommits(pools[at] as pg.Pool, ['contacts']);
          await slow.set(300);
          const statuses = new Set<number>();
          // Five commits are the fewest that a gate judges by; one of those that follow may be a probe.
          for (let i = 0; i < 8; i++) statuses.add((await make(book)).status);
          const both = await Promise.all([make(book), make(book), fetch(book.contacts)]);
          for (const { status } of both.slice(0, 2)) statuses.add(status);
          await slow.set(0);
          return { made: [...statuses], listed: both[2]?.status };
        }),
      );
      expect(answers).toEqual([
        { made: [201], listed: 200 },
        { made: [201, 503], listed: 200 },
      ]);
      await expect.poll(async () => (await make(books[1] as AddressBook)).status).toBe(201);
    } finally {
      for (const book of books) await book.stop();
      for (const pool of pools) await pool.end();
    }
  });
});
