/**
 * `npm start`: applications tell the audit log what was done, its database is stopped and started again meanwhile, and an auditor asks
 * what happened. Ends by itself; the last line counts.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createClient, type SlackwaterClient } from '@slackwater/client-sdk';
import { startPostgres } from '@slackwater/test-support/postgres';
import pg from 'pg';
import { openAuditLog } from './audit-log.ts';
import { openLogin } from './auditors.ts';
import { interview } from './interview.ts';
import { tellEvents } from './tell-events.ts';

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

const login = openLogin();
const directory = mkdtempSync(join(tmpdir(), 'slackwater-audit-log-'));
const database = await startPostgres({ database: 'audit' });
const { connectionString } = database;
const log = await openAuditLog({ connectionString, directory, auth: login.auth });
const server = createServer(log.app).listen(0, '127.0.0.1');
await new Promise((resolve) => server.once('listening', resolve));
const baseURL = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
const verifierKeys = [await log.gate.ledger.verifierKey()];
const clientOf = (headers: Record<string, string>): SlackwaterClient =>
  createClient({ baseURL, headers, verifierKeys });

try {
  say(`The audit log is open at ${baseURL}.`);
  const first = await tellEvents(clientOf, 20);
  say(
    `${first.length} events are in the ledger. What tells of an event goes on at once; their rows are written behind it.`,
  );
  await database.kill();
  const second = await tellEvents(clientOf, 20);
  say(
    `The database is down. ${second.length} more events are in the ledger, each with a receipt that verifies.`,
  );
  await database.restart();
  await Promise.all([...first, ...second].map((poller) => poller.pollUntilDone()));
  say('The database is back, and all of their rows are written.');

  const token = login.token('auditor 7', 'audit:read audit:reveal');
  await interview(clientOf({ Authorization: `Bearer ${token}` }), say);
  const { ok } = await log.gate.audit.verify();
  say(JSON.stringify({ ...(await count(first.length + second.length)), ledgerVerified: ok }));
  if (!ok) process.exitCode = 1;
} finally {
  server.closeAllConnections();
  server.close();
  await log.close();
  await database.stop();
  rmSync(directory, { recursive: true, force: true });
}

async function count(accepted: number): Promise<{ accepted: number; lost: number; duplicated: number }> {
  const client = new pg.Client({ connectionString });
  await client.connect();
  const { rows } = await client.query<{ all: number; different: number }>(
    `SELECT count(*)::int AS all, count(DISTINCT details ->> 'reference')::int AS different FROM events`,
  );
  await client.end();
  const { all = 0, different = 0 } = rows[0] ?? {};
  return { accepted, lost: accepted - different, duplicated: all - different };
}
