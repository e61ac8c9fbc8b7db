import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { base, type Office, office } from '../answer/resources/office.ts';
import { type Said, slackwaterSays } from './command-line.ts';

/** A ledger in which something of everything happened, in a directory and behind a server. */
export interface FilledLedger {
  readonly office: Office;
  readonly directory: string;
  /** `https://.../ledger/main`, but for the s. */
  readonly url: string;
  readonly verifierKey: string;
  /** Files in a directory of their own: checkpoints, and a token for auditors. */
  readonly early: string;
  readonly late: string;
  readonly token: string;
  /** Deferrals. */
  readonly performed: string;
  readonly waiting: string;
  readonly entries: number;
  readonly blocks: number;
  /** A path in the scratch directory that nothing uses yet. */
  fresh(name: string): string;
  /** A copy of the ledger's directory, with the database changed. */
  changed(sql: string): string;
  end(): Promise<void>;
}

/** 300 entries and more: a full tile, and partial ones. */
export async function filledLedger(): Promise<FilledLedger> {
  const desk = await office();
  const scratch = mkdtempSync(join(tmpdir(), 'slackwater-cli-'));
  let count = 0;
  const fresh = (name: string): string => join(scratch, `${count++}-${name}`);
  const kept = (text: string): string => {
    const file = fresh('file');
    writeFileSync(file, text);
    return file;
  };
  const body = Buffer.from('settled');
  const performed = (await desk.accept()).id;
  await desk.perform(performed, { status: 200, headers: [], body });
  const canceled = (await desk.accept()).id;
  await desk.step(canceled, { type: 'canceled', error: { code: 'canceled-by-requester', message: 'no' } });
  const early = kept(await desk.ledger.checkpoint());
  await Promise.all(Array.from({ length: 300 }, () => desk.accept()));
  const waiting = (await desk.accept()).id;
  const checkpoint = await desk.ledger.checkpoint();
  const server: Server = desk.app.listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    office: desk,
    directory: desk.bench.directory,
    url: `http://127.0.0.1:${port}${base}/ledger/default`,
    verifierKey: desk.ledger.verifierKey,
    early,
    late: kept(checkpoint),
    token: kept(`${desk.token().replace('Bearer ', '')}\n`),
    performed,
    waiting,
    entries: Number(checkpoint.split('\n')[1]),
    blocks: desk.bench.database(
      (db) => db.prepare("SELECT key FROM store_1 WHERE key LIKE 'blocks/%'").all().length,
    ),
    fresh,
    changed(sql) {
      const copy = fresh('copy');
      // What is not in the database's own file yet is in the one beside it, and comes along.
      cpSync(desk.bench.directory, copy, { recursive: true });
      const database = new DatabaseSync(join(copy, 'slackwater.db'));
      database.exec(sql);
      database.close();
      return copy;
    },
    async end() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      await desk.close();
      rmSync(scratch, { recursive: true, force: true });
    },
  };
}

/** The line of JSON of a command, and how it ended. */
export async function saysJson(
  ...args: readonly string[]
): Promise<{ readonly code: number; readonly json: object; readonly err: string }> {
  const { code, out, err }: Said = await slackwaterSays(...args, '--json');
  return { code, err, json: (out === '' ? {} : JSON.parse(out)) as object };
}
