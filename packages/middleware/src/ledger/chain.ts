import type { Clock } from '../clock.ts';
import type { EngineLog, KeyWithValue } from '../engines/log.ts';
import type { EngineStore } from '../engines/store.ts';
import { appendAhead, type ChainEnd } from './append-ahead.ts';
import {
  type BlockLink,
  blockKey,
  follows,
  linkOf,
  makeBlock,
  noBlock,
  openBlock,
  openSigned,
  sizeSaidBy,
} from './block.ts';
import { extendFromLog, hashOfEntry, type ReadSealed, readAhead } from './extend-from-log.ts';
import { inForceAfter, rotationsAmong, signersOf } from './key-in-force.ts';
import { LedgerError } from './ledger-error.ts';
import { sealPace } from './seal-pace.ts';
import type { Signer } from './signer.ts';
import type { Tiles } from './tiles.ts';
import { emptyEdge, extendEdge, type FullTile, rootOf, type TreeEdge } from './tree-edge.ts';

// The chain of blocks. Any number of processes may seal; the store's create-only write of blocks/<height> decides
// between them, and nobody goes on from a block that it has not verified against the log itself.

/** Of how many blocks the tiles may be on their way to the store: as many as blocks may be. */
const mostKeeping = 2;
const firstLookAhead = 2;
const nextLookAhead = 16;

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

/** One ledger's chain. Calls must not overlap, but those of `appendSealed` with each other: whoever has it runs them in turns. */
export interface Chain {
  readonly head: Head;
  /** Verifies and takes over the blocks that others sealed since. Throws `ledger-corrupt` or `ledger-truncated`. */
  catchUp(): Promise<void>;
  /**
   * Appends `entries` behind the head, or behind what is on its way, and seals them, as one. Resolves with the first one's
   * position; undefined, and nothing was done, where the engine can't do the two as one, the log has entries beyond the head, or
   * what was on its way came to nothing: then the blocks of others are taken over.
   */
  appendSealed(entries: readonly Uint8Array[]): Promise<number | undefined>;
  /** Whether so many entries are sooner sealed by two calls of `appendSealed` that overlap than by one. */
  isSoonerInTwo(entries: number): boolean;
  /**
   * Seals `entries`, which are in the log from the head's size on. False where another process sealed that height
   * first: then its block has been verified and is the head.
   */
  seal(entries: readonly Uint8Array[]): Promise<boolean>;
}

/** A block that is signed and not stored. */
export interface NextBlock extends KeyWithValue {
  readonly head: Head;
  readonly filled: readonly FullTile[];
}

/** What a chain is built on. */
export interface ChainParts {
  readonly log: EngineLog;
  readonly store: EngineStore;
  readonly tiles: Tiles;
  readonly signer: Signer;
  readonly clock: Pick<Clock, 'now' | 'wallNow' | 'after'>;
}

/**
 * Opens the chain at its last block. Throws `ledger-truncated` where the log is shorter than that block says, and
 * `ledger-corrupt` where the block is not this ledger's or the log's entries do not have its root.
 */
export async function openChain(parts: ChainParts): Promise<Chain> {
  const { log, store, tiles, signer, clock } = parts;
  let head = await openHead(parts);
  const keeping: Promise<void>[] = [];
  const pace = sealPace(clock);

  async function adopt(height: number, text: string, read: ReadSealed): Promise<void> {
    const { block, signedBy } = openSigned(text, signer) ?? {};
    if (block === undefined || !follows(block, head.link)) {
      throw new LedgerError(
        'ledger-corrupt',
        `Block ${height} is not a signed successor of block ${height - 1}.`,
      );
    }
    const { edge, filled, rotations } = await extendFromLog(read, head.edge, block.size);
    const root = rootOf(edge);
    if (Buffer.from(root).toString('base64') !== block.root) {
      throw new LedgerError(
        'ledger-corrupt',
        `The log's entries ${block.first} to ${block.last} do not have the root that block ${height} signs.`,
      );
    }
    const signing = await inForceAfter(rotations, head.signing, signer);
    // By keys that it brings itself, perhaps.
    const signers = rotations.length === 0 ? signedBy : signer.open(block.checkpoint)?.signedBy;
    if (!signersOf(head.signing, signing).every((number) => signers?.includes(number))) {
      throw new LedgerError('ledger-corrupt', `Block ${height} is not signed by the key that is in force.`);
    }
    head = { link: linkOf(block), edge, root, checkpoint: block.checkpoint, signing };
    tiles.remember(filled);
  }

  /**
   * Takes over all that others sealed, and tells how many blocks that were. It has to be quicker than they are, or would never catch up: so
   * several blocks are asked for at once, their entries together, and nothing is written. Who sealed a tile stores it.
   */
  async function adoptAll(): Promise<number> {
    const before = head.link.height;
    for (let ahead = firstLookAhead; ; ahead = nextLookAhead) {
      const heights = Array.from({ length: ahead }, (_, i) => head.link.height + 1 + i);
      const stored = await Promise.all(heights.map((height) => store.get(blockKey(height))));
      const missing = stored.indexOf(undefined);
      const texts = stored
        .slice(0, missing === -1 ? ahead : missing)
        .map((block) => Buffer.from(block?.value ?? []).toString('utf8'));
      const read = readAhead(log, clock, sizeSaidBy(texts.at(-1) ?? ''));
      for (const [i, text] of texts.entries()) await adopt(heights[i] ?? 0, text, read);
      if (texts.length < ahead) return head.link.height - before;
    }
  }

  async function nextBlock(behind: Head, entries: readonly Uint8Array[]): Promise<NextBlock> {
    const before = behind.signing;
    const rotations = rotationsAmong(entries);
    const signing = rotations.length === 0 ? before : await inForceAfter(rotations, before, signer);
    const { edge, filled } = extendEdge(behind.edge, entries.map(hashOfEntry));
    const root = rootOf(edge);
    const sealedAt = new Date(clock.wallNow()).toISOString();
    const { block, text } = makeBlock(
      behind.link,
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

  async function goOn(next: NextBlock): Promise<void> {
    head = next.head;
    // A crash here loses tiles, which are computed from the log when they are missing. Only those of earlier blocks are waited for.
    const earlier = keeping.length < mostKeeping ? undefined : keeping.shift();
    await earlier;
    keeping.push(tiles.keep(next.filled));
  }

  const end: ChainEnd = {
    get head() {
      return head;
    },
    ...{ nextBlock, goOn, adoptAll },
  };
  return {
    get head() {
      return head;
    },
    async catchUp() {
      await adoptAll();
    },
    appendSealed:
      log.appendSealed === undefined ? async () => undefined : appendAhead(end, log.appendSealed, pace),
    isSoonerInTwo: (entries) => log.appendSealed !== undefined && pace.isSoonerInTwo(entries),
    async seal(entries) {
      const next = await nextBlock(head, entries);
      // A crash here: the entries are in the log, durable, and unsealed. Nobody was told that they are accepted; the
      // next process to open or to seal seals them. The signature made above is seen by nobody, and would be over
      // the same log if it were.
      const created = await store.create(next.key, next.value);
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
