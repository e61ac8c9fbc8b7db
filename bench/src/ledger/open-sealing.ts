import { canonicalJson } from '@slackwater/shared';
import { systemClock as clock } from '../../../packages/middleware/dist/clock.js';
import type { OpenEngine } from '../../../packages/middleware/dist/engines/engine.js';
import { sqliteEngine } from '../../../packages/middleware/dist/engines/sqlite/sqlite-engine.js';
import { type Chain, openChain } from '../../../packages/middleware/dist/ledger/chain.js';
import { openIdentity } from '../../../packages/middleware/dist/ledger/identity.js';
import { openSealer, type Sealer } from '../../../packages/middleware/dist/ledger/sealer.js';
import { openSigner } from '../../../packages/middleware/dist/ledger/signer.js';
import { openTiles, type Tiles } from '../../../packages/middleware/dist/ledger/tiles.js';

/** Whose ledger the benchmarks write. */
export const owner = { application: 'bench', group: 'main', clock } as const;

/** What the ledger appends and seals with, without what is around it. */
export interface Sealing {
  readonly engine: OpenEngine;
  /** For who has the ledger to himself, and wants larger transactions than callers make. */
  readonly chain: Chain;
  readonly sealer: Sealer;
  readonly tiles: Tiles;
  /** By whom its heads are signed, for who verifies them. */
  readonly verifierKeys: readonly string[];
  /** How many entries each transaction had. */
  readonly batches: number[];
  close(): Promise<void>;
}

/** Opens the ledger in a directory, new or not. */
export async function openSealing(directory: string): Promise<Sealing> {
  const engine = await sqliteEngine({ directory }).open(owner);
  const { keys } = await openIdentity(engine, owner);
  const batches: number[] = [];
  const { log, store } = engine;
  const counted = {
    ...log,
    appendSealed: async (...[entries, ...rest]: Parameters<NonNullable<typeof log.appendSealed>>) => {
      batches.push(entries.length);
      return (await log.appendSealed?.(entries, ...rest)) ?? false;
    },
  };
  const signer = openSigner(keys);
  const tiles = openTiles(store, counted);
  const chain = await openChain({ log: counted, store, tiles, signer, clock });
  const sealer = openSealer(chain, counted, tiles, (error) => {
    throw error;
  });
  const { verifierKeys } = signer;
  return {
    engine,
    chain,
    sealer,
    tiles,
    verifierKeys,
    batches,
    close: () => sealer.idle().then(() => engine.close()),
  };
}

/** An entry of so many bytes, at least 300. */
export function entryOf(bytes: number, id = '01KC0000000000000000000000'): Uint8Array {
  const entry = {
    v: 1,
    type: 'accepted',
    id,
    at: '2026-01-01T00:00:00.000Z',
    ...{ application: 'bench', group: 'main', method: 'POST', route: '/o', workType: 'w', partition: 'p' },
    ...{ requester: 'AAAAAAAAAAAAAAAAAAAAAA', reasons: [], payload: Buffer.alloc(32, 1).toString('base64') },
  };
  const short = Buffer.from(canonicalJson({ ...entry, more: '' }), 'utf8').length;
  return Buffer.from(canonicalJson({ ...entry, more: 'x'.repeat(Math.max(0, bytes - short)) }), 'utf8');
}
