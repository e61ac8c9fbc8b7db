import { describe, expect, it } from 'vitest';
import { appendBatches } from '../../../packages/middleware/src/ledger/append-batches.ts';
import { isSoonerInTwo, sealPace } from '../../../packages/middleware/src/ledger/seal-pace.ts';
import { sharedTurns } from '../../../packages/middleware/src/ledger/shared-turns.ts';

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

async function settled(): Promise<void> {
  for (let turns = 0; turns < 4; turns += 1) await turn();
}

/** Batches whose appends end when they are told to. */
function handBatches(inTwo: boolean) {
  const sizes: number[] = [];
  const ends: (() => void)[] = [];
  let size = 0;
  const batches = appendBatches(
    (entries) => {
      const first = size;
      size += entries.length;
      sizes.push(entries.length);
      return new Promise((resolve) => ends.push(() => resolve({ first, isSealed: true })));
    },
    () => inTwo,
  );
  return {
    sizes,
    batches,
    add(count: number): void {
      for (let n = 0; n < count; n += 1) {
        batches.append({
          entry: Buffer.from('{}'),
          isIssued: false,
          onAppended: () => {},
          onFailed: (error) => {
            throw error;
          },
        });
      }
    },
    async endOne(): Promise<void> {
      ends.shift()?.();
      await settled();
    },
  };
}

describe('entries that wait', () => {
  it('go in halves, the second beside the first, where that is sooner', async () => {
    const { sizes, add, endOne } = handBatches(true);
    add(256);
    await settled();
    expect(sizes).toEqual([128, 128]);
    add(200);
    await settled();
    expect(sizes).toHaveLength(2);
    await endOne();
    expect(sizes).toEqual([128, 128, 164]);
  });

  it('go one batch in a turn of the event loop, so that others come in between', async () => {
    const { sizes, add } = handBatches(true);
    add(256);
    expect(sizes).toEqual([]);
    await turn();
    expect(sizes).toEqual([128]);
    await turn();
    expect(sizes).toEqual([128, 128]);
  });

  it('go one batch at a time where that is not sooner', async () => {
    const { sizes, add, endOne } = handBatches(false);
    add(300);
    await settled();
    expect(sizes).toEqual([256]);
    await endOne();
    expect(sizes).toEqual([256, 44]);
  });

  it('go all at once, one batch at a time, where they are few', async () => {
    const { sizes, add, endOne } = handBatches(true);
    add(100);
    await settled();
    add(27);
    await settled();
    expect(sizes).toEqual([100]);
    await endOne();
    expect(sizes).toEqual([100, 27]);
  });

  it('are waited for by who wants them idle, with both batches', async () => {
    const { batches, add, endOne } = handBatches(true);
    add(128);
    let isIdle = false;
    const idle = batches.idle().then(() => {
      isIdle = true;
    });
    await settled();
    await endOne();
    expect(isIdle).toBe(false);
    await endOne();
    await idle;
    await batches.idle();
  });
});

describe('whether two batches are sooner than one', () => {
  const pace = { entries: 128, sealMs: 0.25 };

  it('is so where this thread works for longer than a sync takes', () => {
    // 256 entries are 0.75 ms of work here; of what the engine took, 0.375 ms are no sync.
    expect(isSoonerInTwo(256, { ...pace, engineMs: 0.375 + 0.74 })).toBe(true);
    expect(isSoonerInTwo(256, { ...pace, engineMs: 0.375 + 0.76 })).toBe(false);
  });

  it('is not known before the first batch, and learnt from those that were durable', () => {
    let nowMs = 0;
    const watched = sealPace({ now: () => nowMs });
    expect(watched.isSoonerInTwo(256)).toBe(false);
    const sealed = (sealMs: number): (() => void) => {
      const isSent = watched.begin(128);
      nowMs += sealMs;
      return isSent();
    };
    const first = sealed(0.25);
    const second = sealed(0.25);
    nowMs += 0.45;
    first();
    nowMs += 0.7;
    // Its time is counted from when the first was durable.
    second();
    expect(watched.isSoonerInTwo(256)).toBe(true);
    for (let n = 0; n < 10; n += 1) {
      const slow = sealed(0.25);
      nowMs += 5;
      slow();
    }
    expect(watched.isSoonerInTwo(256)).toBe(false);
  });
});

describe('shared turns', () => {
  it('let work together overlap, and keep what is alone by itself, in the order of the calls', async () => {
    const { alone, together } = sharedTurns();
    const told: string[] = [];
    const ends = new Map<string, () => void>();
    const work = (name: string) => (): Promise<void> => {
      told.push(name);
      return new Promise((resolve) => ends.set(name, resolve));
    };
    const end = async (name: string): Promise<void> => {
      ends.get(name)?.();
      await settled();
    };
    const all = [
      ...[together(work('a')), together(work('b')), alone(work('c')), alone(work('d'))],
      ...[together(work('e')), together(work('f'))],
    ];
    await settled();
    expect(told).toEqual(['a', 'b']);
    await end('b');
    expect(told).toEqual(['a', 'b']);
    await end('a');
    expect(told).toEqual(['a', 'b', 'c']);
    await end('c');
    await end('d');
    expect(told).toEqual(['a', 'b', 'c', 'd', 'e', 'f']);
    await end('e');
    await end('f');
    await Promise.all(all);
  });

  it('leave a failure to its caller', async () => {
    const { alone, together } = sharedTurns();
    const failing = (): Promise<never> => Promise.reject(new Error('no'));
    const [one, two] = [alone(failing), together(failing)];
    await expect(one).rejects.toThrow('no');
    await expect(two).rejects.toThrow('no');
    expect(await alone(async () => 1)).toBe(1);
  });
});
