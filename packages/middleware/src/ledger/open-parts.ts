import { BoundedMap } from './bounded-map.ts';
import { openCapabilities } from './capabilities.ts';
import { openChain } from './chain.ts';
import { openChangedStore } from './changed-work-types.ts';
import { openDataKeys } from './data-keys.ts';
import { checkAgainstNote } from './head-note.ts';
import { openHistory } from './history.ts';
import { openIdentity } from './identity.ts';
import { openKeyRecords } from './key-records.ts';
import type { LedgerSetup } from './ledger-setup.ts';
import { openLookup } from './lookup.ts';
import type { LedgerParts } from './parts.ts';
import { startProgress } from './progress.ts';
import { openPromises } from './promises.ts';
import { readCursor } from './recover.ts';
import { openRequesters } from './requesters.ts';
import { openSealer } from './sealer.ts';
import { openSealingBlocks } from './sealing-block.ts';
import { openRingSigner } from './signer.ts';
import { openStates } from './states.ts';
import { openTiles } from './tiles.ts';

/** What a ledger's setup is where it says nothing. */
export const ledgerDefaults = {
  keepOutcomeMs: 7 * 24 * 60 * 60 * 1_000,
  maxQueued: 1_000_000,
  engineTimeoutMs: 1_000,
  recoverEveryMs: 10_000,
  keyCacheMs: 5_000,
} as const;

const mostRecent = 1_024;

/** What a ledger's operations share. Rejects as `openLedger` does. */
export async function openParts(
  options: LedgerSetup,
): Promise<{ readonly parts: LedgerParts; readonly verifierKey: string; readonly origin: string }> {
  const { engine, clock, application, group, encrypt = 'all' } = options;
  const { log, store, queue, wrappedKeys } = engine;
  const ring = await openIdentity(engine, options);
  const signer = openRingSigner(ring);
  const lookup = openLookup(ring.keys.lookup);
  const { keyCacheMs = ledgerDefaults.keyCacheMs } = options;
  const dataKeys = await openDataKeys({
    ...{ wrappedKeys, ring, clock, keyCacheMs },
    isNew: async () => (await log.size()) === 0,
  });
  const tiles = openTiles(store, log);
  const chain = await openChain({ log, store, tiles, signer, clock });
  if (engine.headNote !== undefined) {
    await checkAgainstNote(engine.headNote, chain.head, tiles, signer.origin);
  }
  const keepOutcomeMs = options.keepOutcomeMs ?? ledgerDefaults.keepOutcomeMs;
  const states = openStates(store, dataKeys, keepOutcomeMs);
  const parts: LedgerParts = {
    application,
    group,
    clock,
    store,
    queue,
    ring,
    dataKeys,
    encrypt: encrypt === 'all' ? encrypt : new Set(encrypt),
    lookup,
    sealer: openSealer(chain, log, tiles, options.onStop ?? (() => {})),
    signer,
    tiles,
    blocks: openSealingBlocks(store, signer),
    states,
    history: openHistory(log, store, states, dataKeys),
    requesters: openRequesters({ store, lookup, dataKeys, clock, keyCacheMs }),
    capabilities: openCapabilities(store),
    keyRecords: openKeyRecords(store),
    promises: openPromises(store),
    postponed: openPromises(store, 'postponed/'),
    changedWorkTypes: openChangedStore(store),
    recent: new BoundedMap(mostRecent),
    progress: startProgress(await readCursor(store)),
    engineTimeoutMs: options.engineTimeoutMs ?? ledgerDefaults.engineTimeoutMs,
    keyCacheMs,
    keepOutcomeMs,
    maxQueued: options.maxQueued ?? ledgerDefaults.maxQueued,
  };
  return { parts, verifierKey: signer.verifierKey, origin: signer.origin };
}
