import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { type LedgerReport, verifyLedger } from '@slackwater/shared';
import { type Clock, systemClock } from '../../../packages/middleware/src/clock.ts';
import type { OpenEngine } from '../../../packages/middleware/src/engines/engine.ts';
import type { EngineLog } from '../../../packages/middleware/src/engines/log.ts';
import { sqliteEngine } from '../../../packages/middleware/src/engines/sqlite/sqlite-engine.ts';
import type {
  Acceptance,
  CapturedRequest,
  Deferral,
} from '../../../packages/middleware/src/ledger/deferral.ts';
import { encodeKeyFile, makeSigningKey, parseKeyFile } from '../../../packages/middleware/src/ledger/keys.ts';
import type { LedgerSetup } from '../../../packages/middleware/src/ledger/ledger-setup.ts';
import { type Ledger, openLedger } from '../../../packages/middleware/src/ledger/open-ledger.ts';
import { ed25519Verify } from '../../../packages/middleware/src/ledger/signer.ts';

export interface OpenedLedger {
  readonly ledger: Ledger;
  readonly engine: OpenEngine;
  /** Ends the engine and leaves the ledger as it is, as a crash would. */
  abandon(): Promise<void>;
  close(): Promise<void>;
}

export type Overrides = Partial<Omit<LedgerSetup, 'engine'>> & {
  /** Of the engine. */
  readonly headsDirectory?: string;
  readonly maxBytes?: number;
  /** Puts something between ledger and engine. */
  readonly between?: (engine: OpenEngine) => OpenEngine;
};

/** Directories of one test, and what is open on them. */
export interface Bench {
  readonly directory: string;
  open(overrides?: Overrides): Promise<OpenedLedger>;
  /** The whole ledger, verified from the database file's bytes by the portable code alone. */
  verifyBytes(verifierKey: string, oldCheckpoint?: string): LedgerReport;
  /** The database file, for those who tamper. */
  database<T>(work: (database: DatabaseSync) => T): T;
  end(): Promise<void>;
}

/** The real embedded engine in a directory, a fresh one unless one is given. */
export async function ledgerBench(there?: string): Promise<Bench> {
  const directory = there ?? (await mkdtemp(join(tmpdir(), 'slackwater-ledger-')));
  const opened: OpenEngine[] = [];
  const ledgers: Ledger[] = [];
  const database = <T>(work: (database: DatabaseSync) => T): T => {
    const handle = new DatabaseSync(join(directory, 'slackwater.db'), { timeout: 30_000 });
    try {
      return work(handle);
    } finally {
      handle.close();
    }
  };
  return {
    directory,
    database,
    async open({ between, headsDirectory, maxBytes, ...overrides } = {}) {
      const clock: Clock = overrides.clock ?? systemClock;
      const { application = 'payments', group = 'default' } = overrides;
      const made = sqliteEngine({
        directory,
        ...(headsDirectory !== undefined && { headsDirectory }),
        ...(maxBytes !== undefined && { maxBytes }),
      });
      const engine = await made.open({ application, group, clock });
      opened.push(engine);
      const ledger = await openLedger({
        recoverEveryMs: 3_600_000,
        engineTimeoutMs: 60_000,
        ...overrides,
        engine: between?.(engine) ?? engine,
        clock,
        application,
        group,
      });
      ledgers.push(ledger);
      return {
        ledger,
        engine,
        abandon: () => engine.close(),
        async close() {
          await ledger.close();
          await engine.close();
        },
      };
    },
    verifyBytes: (verifierKey, oldCheckpoint) =>
      database((db) =>
        verifyLedger({
          entries: db
            .prepare('SELECT entry FROM log_1 ORDER BY position')
            .all()
            .map((row) => bytesOf(row['entry'])),
          blocks: db
            .prepare("SELECT value FROM store_1 WHERE key LIKE 'blocks/%' ORDER BY key")
            .all()
            .map((row) => Buffer.from(bytesOf(row['value'])).toString('utf8')),
          verifierKeys: [verifierKey],
          // Ten times faster than the portable check, which the tests of the shared package are for.
          ed25519Verify,
          ...(oldCheckpoint !== undefined && { oldCheckpoint }),
        }),
      ),
    async end() {
      for (const engine of opened) await engine.close();
      await rm(directory, { recursive: true, force: true });
    },
  };
}

/** A log that appends and leaves the sealing to a second write, as on most engines. */
export function inTwo(log: EngineLog): EngineLog {
  return { ...log, appendSealed: undefined };
}

export function bytesOf(value: unknown): Uint8Array {
  if (!(value instanceof Uint8Array)) throw new TypeError('not a blob');
  return value;
}

export function requestOf(overrides: Partial<CapturedRequest> = {}): CapturedRequest {
  return {
    method: 'POST',
    url: '/payments/4711/settle?force=1',
    headers: [
      ['content-type', 'application/json'],
      ['accept-language', 'de'],
    ],
    body: Buffer.from('{"amount":42}'),
    remoteAddress: '203.0.113.7',
    identity: { sub: 'alice', roles: ['clerk'] },
    ...overrides,
  };
}

export function acceptanceOf(overrides: Partial<Acceptance> = {}): Acceptance {
  return {
    request: requestOf(),
    route: '/payments/:id/settle',
    workType: 'settle',
    priority: 2,
    partition: 'payments',
    requester: 'alice@example.com',
    reasons: ['over-threshold'],
    ...overrides,
  };
}

/** Accepts and gives the deferral; anything but an acceptance is an error. */
export async function accepted(ledger: Ledger, overrides: Partial<Acceptance> = {}): Promise<Deferral> {
  const result = await ledger.accept(acceptanceOf(overrides));
  if (result.kind !== 'accepted') throw new Error(`not accepted: ${result.kind}`);
  return result.deferral;
}

/** Adds a signing key to the key file; with `forget` the first private key goes instead. */
export async function addSigningKey(
  { directory }: Bench,
  { engine }: OpenedLedger,
  forget = false,
): Promise<void> {
  const [name = ''] = (await readdir(directory)).filter((one) => one.startsWith('keys-'));
  const keys = parseKeyFile(await readFile(join(directory, name)));
  const [first, ...others] = keys.signing;
  const signing = forget
    ? ([{ ...first, privateKey: undefined }, ...others] as const)
    : ([first, ...others, makeSigningKey()] as const);
  await engine.replaceKeyFile?.(encodeKeyFile({ ...keys, signing }));
}
