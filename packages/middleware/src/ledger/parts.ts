import type { Clock } from '../clock.ts';
import type { EngineQueue } from '../engines/queue.ts';
import type { EngineStore } from '../engines/store.ts';
import type { BoundedMap } from './bounded-map.ts';
import type { Capabilities } from './capabilities.ts';
import type { ChangedStore } from './changed-work-types.ts';
import type { DataKeys } from './data-keys.ts';
import type { History } from './history.ts';
import type { KeyRecords } from './key-records.ts';
import type { KeyRing } from './key-ring.ts';
import type { Lookup } from './lookup.ts';
import type { Progress } from './progress.ts';
import type { Promises } from './promises.ts';
import type { ChosenParameters } from './request-parameters.ts';
import type { Requesters } from './requesters.ts';
import type { Sealer } from './sealer.ts';
import type { SealingBlocks } from './sealing-block.ts';
import type { Signer } from './signer.ts';
import type { States } from './states.ts';
import type { Tiles } from './tiles.ts';

/** What the operations of one open ledger share. */
export interface LedgerParts {
  readonly application: string;
  readonly group: string;
  readonly clock: Clock;
  readonly store: EngineStore;
  readonly queue: EngineQueue;
  readonly ring: KeyRing;
  readonly dataKeys: DataKeys;
  readonly encrypt: ChosenParameters;
  readonly lookup: Lookup;
  readonly sealer: Sealer;
  readonly signer: Signer;
  readonly tiles: Tiles;
  readonly blocks: SealingBlocks;
  readonly states: States;
  readonly history: History;
  readonly requesters: Requesters;
  readonly capabilities: Capabilities;
  readonly keyRecords: KeyRecords;
  readonly changedWorkTypes: ChangedStore;
  readonly progress: Progress;
  readonly promises: Promises;
  /** Until when deferrals may be postponed. */
  readonly postponed: Promises;
  /** Entries that were sealed just now, by id: the answer to their acceptance wants a receipt at once. */
  readonly recent: BoundedMap<string, { readonly position: number; readonly bytes: Uint8Array }>;
  readonly engineTimeoutMs: number;
  readonly keyCacheMs: number;
  readonly keepOutcomeMs: number;
  readonly maxQueued: number;
}
