import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { accepted, type Bench, ledgerBench } from './ledgers.ts';

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
  return bench.open({
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
}

describe('a log that is behind its blocks for a moment', () => {
  it('is looked at again before the group is ended over it', async () => {
    const late = await openLate(2);
    const other = await bench.open();
    await accepted(other.ledger);
    expect(await late.ledger.checkpoint()).toBe(await other.ledger.checkpoint());
    expect(late.ledger.stopped).toBeUndefined();
  });

  it('ends the group where it stays behind', async () => {
    const late = await openLate(Number.POSITIVE_INFINITY);
    const other = await bench.open();
    await accepted(other.ledger);
    await expect(late.ledger.checkpoint()).rejects.toMatchObject({ code: 'ledger-truncated' });
    expect(late.ledger.stopped).toMatchObject({ code: 'ledger-truncated' });
  });
});
