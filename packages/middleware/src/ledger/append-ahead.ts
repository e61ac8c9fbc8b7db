import type { EngineLog } from '../engines/log.ts';
import type { Head, NextBlock } from './chain.ts';
import type { SealPace } from './seal-pace.ts';
import { serial } from './serial.ts';

// Appending a batch together with its block while the one before is still on its way to the engine. Its block names one that may
// never be there: so the engine does it only where that block is, byte for byte, and the log ends at its last entry. Whatever
// became of the first, refused or in doubt, the second is done behind it or not at all, and until it is done nobody is shown
// what was signed for it. That holds for any number under way; how many there are, whoever calls decides.

/** The chain as it is when nothing is under way. */
export interface ChainEnd {
  readonly head: Head;
  /** The block behind a head, signed and shown to nobody. */
  nextBlock(behind: Head, entries: readonly Uint8Array[]): Promise<NextBlock>;
  /** Makes a block's head the newest one, at once; resolves when it may go on. */
  goOn(next: NextBlock): Promise<void>;
  /** Takes over what others sealed. */
  adoptAll(): Promise<unknown>;
}

interface UnderWay {
  readonly next: NextBlock;
  readonly first: number;
  /** Whether it was done: not told before it is told of the one before. */
  readonly answer: Promise<boolean>;
  /** To be called when it is durable. */
  readonly hasCome: () => void;
}

/** Gives the function that appends and seals as `Chain.appendSealed` does. Its calls may overlap with each other. */
export function appendAhead(
  chain: ChainEnd,
  appendSealed: NonNullable<EngineLog['appendSealed']>,
  pace: SealPace,
): (entries: readonly Uint8Array[]) => Promise<number | undefined> {
  const inRow = serial();
  let underWay: readonly UnderWay[] = [];
  /** Until it has ended nothing is sealed: something was not done, and what was sealed behind it is not done either. */
  let mending: Promise<unknown> | undefined;

  async function seal(entries: readonly Uint8Array[]): Promise<UnderWay> {
    while (mending !== undefined) await mending;
    const before = underWay.at(-1);
    const behind = before?.next.head ?? chain.head;
    const first = behind.link.size;
    const isSent = pace.begin(entries.length);
    const next = await chain.nextBlock(behind, entries);
    // A crash here: nothing happened, and nobody saw the signature made above. Nobody ever will: what the block says is in the
    // log with it, or it is not there.
    const sent = appendSealed(entries, first, next.key, next.value, before?.next);
    const answer = Promise.allSettled([before?.answer, sent]).then(() => sent);
    const item = { next, first, answer, hasCome: isSent() };
    underWay = [...underWay, item];
    return item;
  }

  function mend(work: () => Promise<unknown>): Promise<unknown> {
    const earlier = [mending, ...underWay.map(({ answer }) => answer)];
    const mended = Promise.allSettled(earlier).then(work);
    mending = mended;
    const end = (): void => {
      if (mending === mended) mending = undefined;
    };
    mended.then(end, end);
    return mended;
  }

  return async (entries) => {
    const item = await inRow(() => seal(entries));
    let isDone = false;
    try {
      isDone = await item.answer;
    } catch (error) {
      mend(async () => undefined);
      throw error;
    } finally {
      underWay = underWay.filter((other) => other !== item);
    }
    if (!isDone) {
      await mend(chain.adoptAll);
      return undefined;
    }
    item.hasCome();
    // A crash here: recorded and sealed, and nobody was told. Whoever asks again with the same Idempotency-Key finds it. The
    // same holds where the answer is an error and the bytes are on the disk: the block is then taken over, as one of others.
    await chain.goOn(item.next);
    return item.first;
  };
}
