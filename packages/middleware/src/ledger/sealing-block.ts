import type { LedgerBlock } from '@slackwater/shared';
import type { EngineStore } from '../engines/store.ts';
import { blockKey, linkOf, openBlock } from './block.ts';
import { BoundedMap } from './bounded-map.ts';
import type { Head } from './chain.ts';
import { sha256 } from './sha256.ts';
import type { Signer } from './signer.ts';

/** How many blocks that were found whole are remembered, to be read again without being verified again. */
const mostKnown = 256;
/** How far around a block that can't be read another is looked for. */
const mostSkipped = 4;

/** A block that was found to be the one that was sealed. */
interface KnownBlock {
  readonly height: number;
  readonly first: number;
  readonly last: number;
  /** SHA-256 of its text, base64. */
  readonly digest: string;
}

/** Looks whether the blocks that sealed entries are still what was sealed. */
export interface SealingBlocks {
  /**
   * What is wrong with the block that sealed the entry at `position` under `head`, for people; undefined where it is signed, covers the
   * entry, and is the one that its successor (or the head) names. Rejects with an `EngineError` where it can't be read.
   */
  faultAt(position: number, head: Head): Promise<string | undefined>;
}

/** The blocks of a store. Each is read every time, for it may be changed on disk at any time. */
export function openSealingBlocks(store: EngineStore, signer: Signer): SealingBlocks {
  const known = new BoundedMap<number, KnownBlock>(mostKnown);
  let latest: KnownBlock | undefined;

  async function read(height: number): Promise<string | undefined> {
    const stored = await store.get(blockKey(height));
    return stored && Buffer.from(stored.value).toString('utf8');
  }

  async function verify(
    height: number,
    text: string,
    position: number,
    head: Head,
  ): Promise<KnownBlock | undefined> {
    const block = openBlock(text, signer);
    const covers = block?.height === height && block.first <= position && position <= block.last;
    if (block === undefined || !covers) return undefined;
    const { hash } = linkOf(block);
    const named = height === head.link.height ? head.link.hash : await previousIn(height + 1);
    // A successor that can't be read says nothing against this one, which is signed.
    if (named !== undefined && hash !== named) return undefined;
    return { height, first: block.first, last: block.last, digest: digestOf(text) };
  }

  async function previousIn(height: number): Promise<string | undefined> {
    const block = openBlock((await read(height)) ?? '', signer);
    return block?.height === height ? block.previous : undefined;
  }

  /** The height of the block that has the position, by what the blocks say that can be read; what can't is passed over. */
  async function heightOf(position: number, { link }: Head): Promise<number> {
    let low = { height: -1, end: 0 };
    let high = { height: link.height, end: link.size };
    while (high.height - low.height > 1) {
      const share = (position - low.end) / (high.end - low.end);
      const guess = low.height + Math.ceil(share * (high.height - low.height));
      const found = await readableNear(guess, low, high);
      if (found === undefined) break;
      if (found.size > position) high = { height: found.height, end: found.size };
      else low = { height: found.height, end: found.size };
    }
    if (high.height - low.height === 1) return high.height;
    // What lies between can't be read: it is one of those, unless the one behind them has it.
    const behind = openBlock((await read(high.height)) ?? '', signer);
    return behind !== undefined && behind.first <= position ? high.height : low.height + 1;
  }

  async function readableNear(
    guess: number,
    low: { readonly height: number; readonly end: number },
    high: { readonly height: number; readonly end: number },
  ): Promise<LedgerBlock | undefined> {
    for (let step = 0; step <= mostSkipped; step += 1) {
      for (const height of step === 0 ? [guess] : [guess - step, guess + step]) {
        const inside = Math.min(Math.max(height, low.height + 1), high.height - 1);
        const block = openBlock((await read(inside)) ?? '', signer);
        if (block?.height === inside && block.size > low.end && block.size < high.end) return block;
      }
    }
    return undefined;
  }

  function remembered(position: number): KnownBlock | undefined {
    if (latest !== undefined && latest.first <= position && position <= latest.last) return latest;
    const next = latest && known.get(latest.height + 1);
    return next !== undefined && next.first <= position && position <= next.last ? next : undefined;
  }

  return {
    async faultAt(position, head) {
      const before = remembered(position);
      // What is performed in the order of the ledger goes from block to block.
      const next = latest?.last === position - 1 ? latest.height + 1 : undefined;
      const height = before?.height ?? next ?? (await heightOf(position, head));
      const text = await read(height);
      if (text === undefined) return `block ${height}, which sealed it, is gone`;
      const usual = before ?? known.get(height);
      const found = usual?.digest === digestOf(text) ? usual : await verify(height, text, position, head);
      if (found === undefined) return `block ${height}, which sealed it, is not the one that was sealed`;
      known.set(height, found);
      latest = found;
      return undefined;
    },
  };
}

function digestOf(text: string): string {
  return Buffer.from(sha256(Buffer.from(text, 'utf8'))).toString('base64');
}
