/**
 * `npm start`: applications tell the audit log what was done, its database is stopped and started again meanwhile, and an auditor asks
 * what happened. Ends by itself, or with Ctrl-C; the last line counts.
 */
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createClient, type SlackwaterClient } from '@slackwater/client-sdk';
import { startPostgres } from '@slackwater/test-support/postgres';
import { runToEnd } from '@slackwater/test-support/run-to-end';
import pg from 'pg';
import { openAuditLog } from './audit-log.ts';
import { openLogin } from './auditors.ts';
import { interview } from './interview.ts';
import { tellEvents } from './tell-events.ts';

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

async function play(signal: AbortSignal): Promise<number> {
  const undo: (() => unknown)[] = [];
  try {
    const directory = mkdtempSync(join(tmpdir(), 'slackwater-audit-log-'));
    undo.push(() => rmSync(directory, { recursive: true, force: true }));
    const database = await startPostgres({ database: 'audit' });
    undo.push(() => database.stop());
    const login = openLogin();
    const { connectionString } = database;
    const log = await openAuditLog({ connectionString, directory, auth: login.auth });
    undo.push(() => log.close());
    const server = createServer(log.app).listen(0, '127.0.0.1');
    undo.push(() => server.close().closeAllConnections());
    await once(server, 'listening');
    const baseURL = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const verifierKeys = [await log.gate.ledger.verifierKey()];
    const clientOf = (headers: Record<string, string>): SlackwaterClient =>
      createClient({ baseURL, headers, verifierKeys });

    say(`The audit log is open at ${baseURL}.`);
    const first = await tellEvents(clientOf, 20);
    say(
      `${first.length} events are in the ledger. What tells of an event goes on at once; their rows are written behind it.`,
    );
    signal.throwIfAborted();
    await database.kill();
    const second = await tellEvents(clientOf, 20);
    say(
      `The database is down. ${second.length} more events are in the ledger, each with a receipt that verifies.`,
    );
    await database.restart();
    await Promise.all([...first, ...second].map((poller) => poller.pollUntilDone({ signal })));
    say('The database is back, and all of their rows are written.');

    const token = login.token('auditor 7', 'audit:read audit:reveal');
    await interview(clientOf({ Authorization: `Bearer ${token}` }), say);
    const { ok } = await log.gate.audit.verify();
    const account = await count(connectionString, first.length + second.length);
    say(JSON.stringify({ ...account, ledgerVerified: ok }));
    return ok ? 0 : 1;
  } finally {
    for (const step of undo.reverse()) await step();
  }
}

async function count(
  connectionString: string,
  accepted: number,
): Promise<{ accepted: number; lost: number; duplicated: number }> {
  const client = new pg.Client({ connectionString });
  await client.connect();
  const { rows } = await client.query<{ all: number; different: number }>(
    `SELECT count(*)::int AS all, count(DISTINCT details ->> 'reference')::int AS different FROM events`,
  );
  await client.end();
  const { all = 0, different = 0 } = rows[0] ?? {};
  return { accepted, lost: accepted - different, duplicated: all - different };
}

await runToEnd(play);
