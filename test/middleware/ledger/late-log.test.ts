import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Clock, systemClock } from '../../../packages/middleware/src/clock.ts';
import { accepted, type Bench, ledgerBench } from './ledgers.ts';

/** Pauses are a hundredth as long; deadlines, which are longer, as long as ever. */
const hasty: Clock = {
  ...systemClock,
  after: (ms, callback) => systemClock.after(ms < 5_000 ? ms / 100 : ms, callback),
};
let bench: Bench;

beforeEach(async () => {
  bench = await ledgerBench();
});

afterEach(async () => {
  await bench.end();
});

/** A ledger whose log does not show its newest entries to so many reads, as after a change of leader. */
async function openLate(hiddenReads: number) {
  let hidden = hiddenReads;
  const opened = await bench.open({
    clock: hasty,
    between: (engine) => ({
      ...engine,
      log: {
        append: (entries) => engine.log.append(entries),
        size: () => engine.log.size(),
        async read(from, limit) {
          if (hidden === 0) return engine.log.read(from, limit);
          hidden -= 1;
          return [];
        },
      },
    }),
  });
  return Object.assign(opened, {
    hide(reads: number) {
      hidden = reads;
    },
  });
}

describe('a log that is behind its blocks for a moment', () => {
  it('is looked at again before the group is ended over it', async () => {
    const late = await openLate(2);
    const other = await bench.open();
    await accepted(other.ledger);
    expect(await late.ledger.checkpoint()).toBe(await other.ledger.checkpoint());
    expect(late.ledger.stopped).toBeUndefined();
  });

  it('is looked at again before a verification says that entries are missing', async () => {
    const other = await bench.open();
    for (let i = 0; i < 3; i++) await accepted(other.ledger);
    const head = await other.ledger.checkpoint();
    const late = await openLate(0);
    late.hide(2);
    expect(await late.ledger.verify(head)).toMatchObject({ ok: true, size: 3 });
    late.hide(Number.POSITIVE_INFINITY);
    expect(await late.ledger.verify(head)).toMatchObject({ ok: false, fault: 'entry-missing' });
  });

  it('ends the group where it stays behind', async () => {
    const late = await openLate(Number.POSITIVE_INFINITY);
    const other = await bench.open();
    await accepted(other.ledger);
    await expect(late.ledger.checkpoint()).rejects.toMatchObject({ code: 'ledger-truncated' });
    expect(late.ledger.stopped).toMatchObject({ code: 'ledger-truncated' });
  });
});
