import { leafHash } from '@slackwater/shared';
import type { Clock } from '../clock.ts';
import type { EngineLog } from '../engines/log.ts';
import type { EngineStore } from '../engines/store.ts';
import { type BlockLink, blockKey, follows, linkOf, makeBlock, noBlock, openBlock } from './block.ts';
import { inForceAfter, rotationsAmong, signersOf } from './key-in-force.ts';
import { LedgerError } from './ledger-error.ts';
import { sha256 } from './sha256.ts';
import type { Signer } from './signer.ts';
import type { Tiles } from './tiles.ts';
import { emptyEdge, extendEdge, type FullTile, rootOf, type TreeEdge } from './tree-edge.ts';

// The chain of blocks. Any number of processes may seal; the store's create-only write of blocks/<height> decides
// between them, and nobody goes on from a block that it has not verified against the log itself.

const entriesPerRead = 1_024;
const firstLookAhead = 2;
const nextLookAhead = 16;
const mostLooks = 8;
const betweenLooksMs = 500;

/** The newest verified head. */
export interface Head {
  /** The block that has it; before the first block {@link noBlock}. */
  readonly link: BlockLink;
  readonly edge: TreeEdge;
  readonly root: Uint8Array;
  /** Signed; for the empty tree too. */
  readonly checkpoint: string;
  /** The number of the key that signs the next block. */
  readonly signing: number;
}

/** One ledger's chain. Calls must not overlap: whoever has it runs them in a row. */
export interface Chain {
  readonly head: Head;
  /** Verifies and takes over the blocks that others sealed since. Throws `ledger-corrupt` or `ledger-truncated`. */
  catchUp(): Promise<void>;
  /**
   * Appends `entries` behind the head and seals them, as one. Resolves with the first one's position; undefined, and nothing
   * was done, where the engine can't do the two as one or the log has entries beyond the head: then the blocks of others are
   * taken over.
   */
  appendSealed(entries: readonly Uint8Array[]): Promise<number | undefined>;
  /**
   * Seals `entries`, which are in the log from the head's size on. False where another process sealed that height
   * first: then its block has been verified and is the head.
   */
  seal(entries: readonly Uint8Array[]): Promise<boolean>;
}

/** A block that is signed and not stored. */
interface NextBlock {
  readonly key: string;
  readonly value: Uint8Array;
  readonly head: Head;
  readonly filled: readonly FullTile[];
}

/** What a chain is built on. */
export interface ChainParts {
  readonly log: EngineLog;
  readonly store: EngineStore;
  readonly tiles: Tiles;
  readonly signer: Signer;
  readonly clock: Pick<Clock, 'wallNow' | 'after'>;
}

/**
 * Opens the chain at its last block. Throws `ledger-truncated` where the log is shorter than that block says, and
 * `ledger-corrupt` where the block is not this ledger's or the log's entries do not have its root.
 */
export async function openChain(parts: ChainParts): Promise<Chain> {
  const { log, store, tiles, signer, clock } = parts;
  let head = await openHead(parts);
  let keeping: Promise<void> | undefined;

  async function adopt(height: number, text: string): Promise<void> {
    const block = openBlock(text, signer);
    if (block === undefined || !follows(block, head.link)) {
      throw new LedgerError(
        'ledger-corrupt',
        `Block ${height} is not a signed successor of block ${height - 1}.`,
      );
    }
    const { edge, filled, rotations } = await extendFromLog(log, clock, head.edge, block.size);
    const root = rootOf(edge);
    if (Buffer.from(root).toString('base64') !== block.root) {
      throw new LedgerError(
        'ledger-corrupt',
        `The log's entries ${block.first} to ${block.last} do not have the root that block ${height} signs.`,
      );
    }
    const signing = await inForceAfter(rotations, head.signing, signer);
    const signedBy = signer.open(block.checkpoint)?.signedBy ?? [];
    if (!signersOf(head.signing, signing).every((number) => signedBy.includes(number))) {
      throw new LedgerError('ledger-corrupt', `Block ${height} is not signed by the key that is in force.`);
    }
    head = { link: linkOf(block), edge, root, checkpoint: block.checkpoint, signing };
    await tiles.keep(filled);
  }

  /**
   * Takes over all that others sealed, and tells how many blocks that were. Several are asked for at once: who asked for one at
   * a time would never catch up with one who seals as quickly as the store answers.
   */
  async function adoptAll(): Promise<number> {
    const before = head.link.height;
    for (let ahead = firstLookAhead; ; ahead = nextLookAhead) {
      const heights = Array.from({ length: ahead }, (_, i) => head.link.height + 1 + i);
      const blocks = await Promise.all(heights.map((height) => store.get(blockKey(height))));
      for (const [i, stored] of blocks.entries()) {
        if (stored === undefined) return head.link.height - before;
        await adopt(heights[i] ?? 0, Buffer.from(stored.value).toString('utf8'));
      }
    }
  }

  async function nextBlock(entries: readonly Uint8Array[]): Promise<NextBlock> {
    const before = head.signing;
    const rotations = rotationsAmong(entries);
    const signing = rotations.length === 0 ? before : await inForceAfter(rotations, before, signer);
    const { edge, filled } = extendEdge(head.edge, entries.map(hashOf));
    const root = rootOf(edge);
    const sealedAt = new Date(clock.wallNow()).toISOString();
    const { block, text } = makeBlock(
      head.link,
      { size: edge.size, root },
      sealedAt,
      signer,
      signersOf(before, signing),
    );
    return {
      key: blockKey(block.height),
      value: Buffer.from(text, 'utf8'),
      head: { link: linkOf(block), edge, root, checkpoint: block.checkpoint, signing },
      filled,
    };
  }

  async function goOn(next: Pick<NextBlock, 'head' | 'filled'>): Promise<void> {
    head = next.head;
    // A crash here loses tiles, which are computed from the log when they are missing. Only those of the block before are waited for.
    await keeping;
    keeping = tiles.keep(next.filled);
  }

  return {
    get head() {
      return head;
    },
    async catchUp() {
      await adoptAll();
    },
    async appendSealed(entries) {
      if (log.appendSealed === undefined) return undefined;
      const first = head.link.size;
      const { key, value, ...next } = await nextBlock(entries);
      // A crash here: nothing happened, and nobody saw the signature made above. Nobody ever will: what the block says is in the
      // log with it, or it is not there.
      if (!(await log.appendSealed(entries, first, key, value))) {
        await adoptAll();
        return undefined;
      }
      // A crash here: recorded and sealed, and nobody was told. Whoever asks again with the same Idempotency-Key finds it. The
      // same holds where the answer is an error and the bytes are on the disk: the block is then taken over, as one of others.
      await goOn(next);
      return first;
    },
    async seal(entries) {
      const { key, value, ...next } = await nextBlock(entries);
      // A crash here: the entries are in the log, durable, and unsealed. Nobody was told that they are accepted; the
      // next process to open or to seal seals them. The signature made above is seen by nobody, and would be over
      // the same log if it were.
      const created = await store.create(key, value);
      // A crash here: sealed, and nobody was told. Whoever asks again with the same Idempotency-Key finds it.
      if (created === undefined) {
        if ((await adoptAll()) > 0) return false;
        throw new LedgerError(
          'ledger-corrupt',
          `Block ${head.link.height + 1} is in the store and can't be read from it.`,
        );
      }
      await goOn(next);
      return true;
    },
  };
}

async function openHead({ log, store, tiles, signer }: ChainParts): Promise<Head> {
  const [last] = await store.list('blocks/', { limit: 1, reverse: true });
  if (last === undefined) {
    const root = rootOf(emptyEdge);
    const checkpoint = signer.sign({ size: 0, root });
    return { link: noBlock, edge: emptyEdge, root, checkpoint, signing: 0 };
  }
  const block = openBlock(Buffer.from(last.value).toString('utf8'), signer);
  if (block === undefined || last.key !== blockKey(block.height)) {
    throw new LedgerError(
      'ledger-corrupt',
      `The last block (${last.key}) is not one that this ledger's key signed.`,
    );
  }
  const size = await log.size();
  if (size < block.size) {
    throw new LedgerError(
      'ledger-truncated',
      `The log has ${size} entries and block ${block.height} seals ${block.size}: acknowledged entries are lost. ` +
        'Restore the log, or move the directory aside and start a ledger under a new origin.',
    );
  }
  const edge = await openEdge(tiles, block.size, block.root);
  // Where two have signed it, the later one takes over.
  const signing = signer.open(block.checkpoint)?.signedBy.at(-1) ?? 0;
  return { link: linkOf(block), edge, root: rootOf(edge), checkpoint: block.checkpoint, signing };
}

/**
 * The edge of the tree of `size` entries, which must have `root` (base64). Tiles are only a cache: where they disagree, the log
 * has the word. Throws `ledger-corrupt`.
 */
export async function openEdge(tiles: Tiles, size: number, root: string): Promise<TreeEdge> {
  const edge = await tiles.edgeAt(size);
  if (Buffer.from(rootOf(edge)).toString('base64') === root) return edge;
  const rebuilt = await tiles.rebuild(size);
  if (Buffer.from(rootOf(rebuilt)).toString('base64') === root) return rebuilt;
  throw new LedgerError(
    'ledger-corrupt',
    `The first ${size} entries of the log do not have the root that was signed for them: an entry was changed.`,
  );
}

async function extendFromLog(
  log: EngineLog,
  clock: Pick<Clock, 'after'>,
  from: TreeEdge,
  size: number,
): Promise<{
  readonly edge: TreeEdge;
  readonly filled: readonly FullTile[];
  /** Entries that may change the signing key. */
  readonly rotations: readonly Uint8Array[];
}> {
  const filled: FullTile[] = [];
  const rotations: Uint8Array[] = [];
  let edge = from;
  while (edge.size < size) {
    const entries = await readSealed(log, clock, edge.size, Math.min(size - edge.size, entriesPerRead));
    if (entries.length === 0) {
      throw new LedgerError(
        'ledger-truncated',
        `The log ends at entry ${edge.size}; a sealed block goes on to ${size}.`,
      );
    }
    const next = extendEdge(edge, entries.map(hashOf));
    edge = next.edge;
    filled.push(...next.filled);
    rotations.push(...rotationsAmong(entries));
  }
  return { edge, filled, rotations };
}

/**
 * Entries that a block covers. Where they are not shown they are asked for again for a while, before the whole group is ended
 * over it: of servers that have just chosen a new leader, that one may still be taking in what was acknowledged.
 */
async function readSealed(
  log: EngineLog,
  clock: Pick<Clock, 'after'>,
  from: number,
  limit: number,
): Promise<readonly Uint8Array[]> {
  for (let looks = 1; ; looks++) {
    const entries = await log.read(from, limit);
    if (entries.length > 0 || looks === mostLooks) return entries;
    await new Promise<void>((resolve) => clock.after(betweenLooksMs, resolve));
  }
}

function hashOf(entry: Uint8Array): Uint8Array {
  return leafHash(entry, { sha256 });
}
