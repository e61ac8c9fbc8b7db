import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { verifyLedger } from '@slackwater/shared';
import { ed25519Verify } from '../../../packages/middleware/src/ledger/signer.ts';
import { type ServerProcess, startServer } from '../server-process.ts';
import { readLedgerBeside } from '../stored-ledger.ts';
import { backlog, order, settled, until } from './orders.ts';

const program = fileURLToPath(new URL('shop-child.ts', import.meta.url));
const withinMs = 60_000;
/** A step that an order takes only in a new ledger is not waited for longer in an old one. */
const settledForMs = 300;

/** What an order came to that a process was killed over. */
export interface Cell {
  /** Whether the process had got to that step. */
  readonly wasReached: boolean;
  readonly status: unknown;
  readonly ledger: ReturnType<typeof verifyLedger>;
}

interface Shop {
  readonly process: ServerProcess;
  readonly address: string;
}

/** One ledger, and the processes that one after the other live on it. */
export class Lane {
  readonly #connectionString: string;
  #directory = newDirectory();
  #shop: Promise<Shop> | undefined;
  #verifierKey = '';
  #oldCheckpoint: string | undefined;

  constructor(connectionString: string) {
    this.#connectionString = connectionString;
  }

  /** Places an order and gives its steps, when it is done and all is quiet. */
  async stepsOf(reference: string): Promise<readonly string[]> {
    const { address } = await this.#open();
    const accepted = await order(address, reference, 'none');
    if (accepted === undefined) throw new Error('The order was not accepted.');
    await settled(address, accepted);
    await sleep(settledForMs);
    return (await (await fetch(`${address}/steps`)).json()) as string[];
  }

  /** Places an order that the process kills itself over at a step, starts the next process, and sees what becomes of the order. */
  async kill(step: string, reference: string): Promise<Cell> {
    const cell = await this.#kill(step, reference);
    if (cell.wasReached) return cell;
    await this.renew();
    return this.#kill(step, `${reference} in a new ledger`);
  }

  /** Ends the process and begins a new ledger. */
  async renew(): Promise<void> {
    await (await this.#shop)?.process.kill();
    this.#shop = undefined;
    rmSync(this.#directory, { recursive: true, force: true });
    this.#directory = newDirectory();
    this.#oldCheckpoint = undefined;
  }

  async close(): Promise<void> {
    await this.renew();
    rmSync(this.#directory, { recursive: true, force: true });
  }

  async #kill(step: string, reference: string): Promise<Cell> {
    const before = await this.#open();
    await until(async () => (await backlog(before.address)).length === 0);
    let accepted = await order(before.address, reference, step);
    const isNew = this.#oldCheckpoint === undefined;
    const wasReached = await died(before, accepted, isNew);
    if (wasReached) this.#shop = undefined;
    const { address } = await this.#open();
    // Who was not answered asks again, with the same key.
    accepted ??= await order(address, reference);
    const status = accepted === undefined ? 'not accepted' : await settled(address, accepted);
    return { wasReached, status, ledger: this.#verify() };
  }

  #verify(): Cell['ledger'] {
    const stored = readLedgerBeside(this.#directory, 'shop');
    const old = this.#oldCheckpoint;
    const report = verifyLedger({
      ...stored,
      verifierKeys: [this.#verifierKey],
      ed25519Verify,
      ...(old === undefined ? {} : { oldCheckpoint: old }),
    });
    const { checkpoint } = JSON.parse(stored.blocks.at(-1) ?? '{}') as { readonly checkpoint?: string };
    this.#oldCheckpoint = checkpoint;
    return report;
  }

  #open(): Promise<Shop> {
    this.#shop ??= this.#start();
    return this.#shop;
  }

  async #start(): Promise<Shop> {
    const process = startServer(
      [program, JSON.stringify({ engine: 'sqlite', directory: this.#directory }), this.#connectionString],
      {},
    );
    const listening = await process.listening;
    if (listening === undefined) {
      this.#shop = undefined;
      await process.kill();
      throw new Error(`The shop did not open: ${process.complaints()}`);
    }
    this.#verifierKey = listening.verifierKey;
    return { process, address: listening.address };
  }
}

/** Whether the process ends; it does not where the order is settled and nothing more is done. */
async function died(
  { process, address }: Shop,
  accepted: string | undefined,
  isNew: boolean,
): Promise<boolean> {
  const gone = process.gone.then(() => true);
  const stays = async (): Promise<boolean> => {
    if (accepted === undefined) return gone;
    await settled(address, accepted).catch(() => gone);
    await sleep(isNew ? withinMs : settledForMs, undefined, { ref: false });
    return false;
  };
  return Promise.race([gone, stays()]);
}

function newDirectory(): string {
  return mkdtempSync(join(tmpdir(), 'slackwater-matrix-'));
}
