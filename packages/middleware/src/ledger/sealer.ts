import { leafHash } from '@slackwater/shared';
import { EngineError } from '../engines/engine-error.ts';
import type { EngineLog } from '../engines/log.ts';
import { type Appended, appendBatches, type Waiting } from './append-batches.ts';
import type { Chain, Head } from './chain.ts';
import { LedgerError } from './ledger-error.ts';
import { sha256 } from './sha256.ts';
import { sharedTurns } from './shared-turns.ts';
import type { Tiles } from './tiles.ts';

// From an entry to a sealed entry. Where the engine can do it, and as long as no other process comes in between, a batch is
// appended together with its block, and a second one may be sealed behind it before it is durable. Else appending and sealing
// are two loops: while a block is being sealed the next batch is appended, and a block may cover several batches. Order and
// positions come from the log, so entries of other processes may stand between ours; they are read from the log and sealed with
// ours.

const maxBlockEntries = 1_024;

/** An entry on its way to be durable and sealed. */
export interface Recording {
  /** Resolves with the position once a block covers it. Rejects with an `EngineError` or a `LedgerError`. */
  readonly sealed: Promise<number>;
  /** Takes the entry back. False where it was already given to the log: then it may be recorded. */
  takeBack(): boolean;
}

/** Appends and seals for one process. */
export interface Sealer {
  readonly head: Head;
  /** What ended this group, if anything did: everything rejects with it. */
  readonly stopped: LedgerError | undefined;
  /** `onAppended` is called synchronously, in the order of positions, when the entry is durable, sealed or not yet. */
  record(entry: Uint8Array, onAppended?: (position: number) => void): Recording;
  /** Takes over what other processes sealed. */
  catchUp(): Promise<Head>;
  /** Seals what is in the log and in no block yet. */
  sealTail(): Promise<Head>;
  /** Ends the group with an error, loudly. Gives the error back, to be thrown. */
  stop(error: LedgerError): LedgerError;
  /** Resolves when nothing is on its way. */
  idle(): Promise<void>;
}

interface Unsealed {
  readonly position: number;
  readonly entry: Uint8Array;
  readonly resolve: (position: number) => void;
  readonly reject: (error: unknown) => void;
}

/** A sealer over an open chain. `onStop` hears once of what ended the group. */
export function openSealer(
  chain: Chain,
  log: EngineLog,
  tiles: Tiles,
  onStop: (error: LedgerError) => void,
): Sealer {
  const batches = appendBatches(append, chain.isSoonerInTwo);
  const turns = sharedTurns();
  let unsealed: Unsealed[] = [];
  let wantedSize = chain.head.link.size;
  let running: Promise<void> | undefined;
  let stopped: LedgerError | undefined;

  function stop(error: LedgerError): LedgerError {
    if (stopped === undefined) {
      stopped = error;
      batches.refuse(error);
      rejectAll(error);
      onStop(error);
    }
    return stopped;
  }

  function rejectAll(error: unknown): void {
    const all = unsealed;
    unsealed = [];
    for (const item of all) item.reject(error);
  }

  /** Runs work on the chain; what proves the ledger wrong ends the group. */
  function onChain<T>(work: () => Promise<T>, turn = turns.alone): Promise<T> {
    return turn(async () => {
      if (stopped !== undefined) throw stopped;
      try {
        return await work();
      } catch (error) {
        throw error instanceof LedgerError ? stop(error) : error;
      }
    });
  }

  async function append(entries: readonly Uint8Array[]): Promise<Appended> {
    const nothingUnsealed = wantedSize <= chain.head.link.size;
    const sealed = nothingUnsealed
      ? await onChain(() => chain.appendSealed(entries), turns.together)
      : undefined;
    if (sealed !== undefined) return { first: sealed, isSealed: true };
    return { first: (await log.append(entries)).first, isSealed: false };
  }

  async function sealUpToWanted(): Promise<void> {
    try {
      // One turn per block, so that catching up finds its place in between.
      while (unsealed.length > 0 || wantedSize > chain.head.link.size) await onChain(sealOne);
    } catch (error) {
      // The entries are in the log and whoever seals next seals them; their callers can't wait for that.
      if (stopped === undefined) rejectAll(withFateUnknown(error));
    }
    running = undefined;
  }

  async function sealOne(): Promise<void> {
    const { size } = chain.head.link;
    if (wantedSize <= size) return settleCovered();
    const own = ownRun(size);
    // Where others stand between ours, one block for all of them is sealed sooner than one for each run.
    const isAll = size + own.length >= Math.min(wantedSize, size + maxBlockEntries);
    const entries = isAll ? own : await log.read(size, Math.min(wantedSize - size, maxBlockEntries));
    const first = entries[0];
    if (first === undefined) {
      throw new LedgerError(
        'ledger-truncated',
        `The log gave position ${wantedSize - 1} and now ends at ${size}.`,
      );
    }
    const won = await chain.seal(entries);
    if (won && isAll) {
      for (const item of unsealed.splice(0, own.length)) item.resolve(item.position);
    } else {
      await settleCovered();
    }
  }

  function ownRun(size: number): Uint8Array[] {
    const run: Uint8Array[] = [];
    for (const item of unsealed) {
      if (item.position !== size + run.length || run.length === maxBlockEntries) break;
      run.push(item.entry);
    }
    return run;
  }

  /** Answers those whose entries a block of another process covers, once it is certain that it covers these very entries. */
  async function settleCovered(): Promise<void> {
    for (
      let item = unsealed[0];
      item !== undefined && item.position < chain.head.link.size;
      item = unsealed[0]
    ) {
      const sealed = await tiles.node(chain.head.edge, 0, item.position);
      if (!Buffer.from(sealed).equals(leafHash(item.entry, { sha256 }))) {
        throw new LedgerError(
          'ledger-truncated',
          `The log gave position ${item.position} to a new entry although a sealed one stood there.`,
        );
      }
      if (unsealed[0] === item) unsealed.shift();
      item.resolve(item.position);
    }
  }

  function want(size: number): void {
    wantedSize = Math.max(wantedSize, size);
    running ??= Promise.resolve().then(sealUpToWanted);
  }

  return {
    get head() {
      return chain.head;
    },
    get stopped() {
      return stopped;
    },
    record(entry, onAppended) {
      if (stopped !== undefined) return { sealed: Promise.reject(stopped), takeBack: () => true };
      let takeBack = (): boolean => true;
      const sealed = new Promise<number>((resolve, reject) => {
        const waiting: Waiting = {
          entry,
          isIssued: false,
          onAppended(position, isSealed) {
            if (stopped !== undefined) return reject(stopped);
            if (!isSealed) unsealed.push({ position, entry, resolve, reject });
            onAppended?.(position);
            if (isSealed) resolve(position);
            else want(position + 1);
          },
          onFailed: reject,
        };
        batches.append(waiting);
        takeBack = () => batches.takeBack(waiting);
      });
      return { sealed, takeBack };
    },
    async catchUp() {
      await onChain(async () => {
        await chain.catchUp();
        await settleCovered();
      });
      return chain.head;
    },
    async sealTail() {
      const size = await log.size();
      while (chain.head.link.size < size) {
        wantedSize = Math.max(wantedSize, size);
        await onChain(sealOne);
      }
      return chain.head;
    },
    stop,
    async idle() {
      await batches.idle();
      while (running !== undefined) await running;
    },
  };
}

function withFateUnknown(error: unknown): unknown {
  if (!(error instanceof EngineError)) return error;
  return new EngineError(error.code, 'unknown', `Recorded and not yet sealed: ${error.message}`, {
    cause: error,
  });
}
