import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sqliteEngine } from '@slackwater/middleware';
import { startPostgres } from '@slackwater/test-support/postgres';
import { type SlowCommits, slowCommits } from '@slackwater/test-support/slow-commits';
import pg from 'pg';
import { createShop, type Shop } from '../shop.ts';

/** A shop with a database and a ledger of its own, all of which goes when it is closed. */
export interface Stage {
  readonly shop: Shop;
  readonly connectionString: string;
  /** Makes the database's commits slow. */
  readonly commits: SlowCommits;
  /** Ends the database and removes every folder that was made. */
  close(): Promise<void>;
}

/** Sets it up; what was begun is ended again where that fails. */
export async function openStage(): Promise<Stage> {
  const undo: (() => Promise<unknown>)[] = [];
  const close = async (): Promise<void> => {
    for (let step = undo.pop(); step !== undefined; step = undo.pop()) await step();
  };
  try {
    const database = await startPostgres({ database: 'shop' });
    undo.push(() => database.stop());
    const { connectionString } = database;
    const ledgerDirectory = mkdtempSync(join(tmpdir(), 'slackwater-shop-'));
    const remove = (): void => rmSync(ledgerDirectory, { recursive: true, force: true });
    // Also where a second Ctrl-C ends the process at once.
    process.once('exit', remove);
    undo.push(async () => remove());
    const shop = await createShop({ connectionString, engine: sqliteEngine({ directory: ledgerDirectory }) });
    undo.push(() => shop.close());
    // On a connection of its own: what slows the database down is not the shop's to observe.
    const operator = new pg.Pool({ connectionString, max: 1 });
    operator.on('error', () => {});
    undo.push(() => operator.end());
    const commits = await slowCommits(operator, ['payments', 'orders', 'reports']);
    return { shop, connectionString, commits, close };
  } catch (error) {
    await close();
    throw error;
  }
}
