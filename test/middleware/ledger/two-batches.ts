import { canonicalJson } from '@slackwater/shared';
import { systemClock } from '../../../packages/middleware/src/clock.ts';
import type { OpenEngine } from '../../../packages/middleware/src/engines/engine.ts';
import type { EngineLog } from '../../../packages/middleware/src/engines/log.ts';
import { sqliteEngine } from '../../../packages/middleware/src/engines/sqlite/sqlite-engine.ts';
import { type Chain, openChain } from '../../../packages/middleware/src/ledger/chain.ts';
import { openIdentity } from '../../../packages/middleware/src/ledger/identity.ts';
import { openSealer, type Sealer } from '../../../packages/middleware/src/ledger/sealer.ts';
import { openSigner } from '../../../packages/middleware/src/ledger/signer.ts';
import { openTiles } from '../../../packages/middleware/src/ledger/tiles.ts';
import { ulidFactory } from '../../../packages/middleware/src/ledger/ulid.ts';

/** The fewest that go in two, half of them in each. */
export const twoBatches = 128;
export const oneBatch = twoBatches / 2;

export type AppendSealed = NonNullable<EngineLog['appendSealed']>;

export interface OpenedSealing {
  readonly engine: OpenEngine;
  readonly chain: Chain;
  readonly sealer: Sealer;
  readonly verifierKey: string;
}

/** The embedded engine with a sealer that sends two batches at once as soon as there are enough for two. */
export async function openSealing(
  directory: string,
  between: (real: AppendSealed) => AppendSealed = (real) => real,
): Promise<OpenedSealing> {
  const owner = { application: 'payments', group: 'default', clock: systemClock };
  const engine = await sqliteEngine({ directory }).open(owner);
  const { appendSealed } = engine.log;
  if (appendSealed === undefined) throw new Error('The embedded engine can do it.');
  const log = { ...engine.log, appendSealed: between(appendSealed) };
  const signer = openSigner((await openIdentity(engine, owner)).keys);
  const tiles = openTiles(engine.store, log);
  const chain = await openChain({ log, store: engine.store, tiles, signer, clock: systemClock });
  const inTwo: Chain = {
    get head() {
      return chain.head;
    },
    catchUp: chain.catchUp,
    appendSealed: chain.appendSealed,
    seal: chain.seal,
    isSoonerInTwo: () => true,
  };
  const sealer = openSealer(inTwo, log, tiles, (error) => {
    throw error;
  });
  return { engine, chain, sealer, verifierKey: signer.verifierKey };
}

const nextId = ulidFactory(systemClock);

export function someEntries(count: number): Uint8Array[] {
  return Array.from({ length: count }, () => {
    const names = { application: 'payments', group: 'default', method: 'POST', route: '/o' };
    const entry = { v: 1, type: 'accepted', id: nextId(), at: '2026-01-01T00:00:00.000Z', ...names };
    const facts = { workType: 'w', partition: 'p', requester: 'AAAAAAAAAAAAAAAAAAAAAA', reasons: [] };
    const payload = Buffer.alloc(32, 1).toString('base64');
    return Buffer.from(canonicalJson({ ...entry, ...facts, payload }), 'utf8');
  });
}
