import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { OpenEngine } from '../../../packages/middleware/src/engines/engine.ts';
import { accepted, addSigningKey, type Bench, ledgerBench } from './ledgers.ts';

let bench: Bench;
beforeEach(async () => {
  bench = await ledgerBench();
});
afterEach(() => bench.end());

/** Counts what a ledger asks its engine for. */
function counted(): {
  readonly calls: Map<string, number>;
  readonly between: (real: OpenEngine) => OpenEngine;
} {
  const calls = new Map<string, number>();
  const count = (name: string): void => {
    calls.set(name, (calls.get(name) ?? 0) + 1);
  };
  const between = (real: OpenEngine): OpenEngine => ({
    ...real,
    log: {
      ...real.log,
      read: (...args) => {
        count('read');
        return real.log.read(...args);
      },
    },
    store: {
      ...real.store,
      put: (...args) => {
        if (args[0].startsWith('tile/')) count('put tile');
        return real.store.put(...args);
      },
    },
  });
  return { calls, between };
}

// A process that seals at full speed leaves the other one no more than the time that it takes itself.
describe('a process that takes over what another one sealed', () => {
  it('reads the entries of many blocks at once, and leaves the tiles to who sealed them', async () => {
    const { calls, between } = counted();
    const late = await bench.open({ between });
    const busy = await bench.open();
    const blocks = 40;
    for (let n = 0; n < blocks; n += 1)
      await Promise.all(Array.from({ length: 8 }, () => accepted(busy.ledger)));
    calls.clear();
    await late.ledger.checkpoint();
    await accepted(late.ledger);
    // Two blocks, then sixteen at a time.
    expect(calls.get('read')).toBeLessThan(blocks / 4);
    expect(calls.get('put tile')).toBeUndefined();
    expect(bench.verifyBytes(late.ledger.verifierKey)).toMatchObject({ ok: true, size: 8 * blocks + 1 });
  });

  it('follows keys that change among the blocks that it reads at once', async () => {
    const one = await bench.open();
    await accepted(one.ledger);
    const late = await bench.open();
    await addSigningKey(bench, one);
    for (let n = 0; n < 4; n += 1) await accepted(one.ledger);
    await one.ledger.rotateSigningKey('test');
    for (let n = 0; n < 4; n += 1) await accepted(one.ledger);
    await accepted(late.ledger);
    expect(bench.verifyBytes(one.ledger.verifierKey)).toMatchObject({ ok: true, size: 11 });
  });
});
