import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { EngineError } from '../../../packages/middleware/src/engines/engine-error.ts';
import { type Bench, ledgerBench } from './ledgers.ts';
import { type AppendSealed, oneBatch, openSealing, someEntries, twoBatches } from './two-batches.ts';

const child = fileURLToPath(new URL('two-batches-child.ts', import.meta.url));

let bench: Bench;
beforeEach(async () => {
  bench = await ledgerBench();
});
afterEach(() => bench.end());

/** A second process on the same ledger. */
async function appendElsewhere(entries: number): Promise<void> {
  const { engine, chain } = await openSealing(bench.directory);
  await chain.appendSealed(someEntries(entries));
  await engine.close();
}

/** Does something else with the first batch; the second is sealed behind it before that ends, and goes its way then. */
function firstDoes(instead: (first: () => Promise<boolean>) => Promise<boolean>) {
  const behind: (string | undefined)[] = [];
  let isSecondThere = (): void => {};
  const secondIsThere = new Promise<void>((resolve) => {
    isSecondThere = resolve;
  });
  let firstEnds: Promise<boolean> | undefined;
  const between =
    (real: AppendSealed): AppendSealed =>
    async (...args) => {
      behind.push(args[4]?.key);
      if (behind.length > 2) return real(...args);
      if (behind.length === 1) {
        firstEnds = secondIsThere.then(() => instead(() => real(...args)));
        return firstEnds;
      }
      isSecondThere();
      await firstEnds?.catch(() => undefined);
      return real(...args);
    };
  return { behind, between };
}

const refusal = new EngineError('engine-unavailable', 'none', 'locked for too long');
const doubt = new EngineError('engine-unavailable', 'unknown', 'the answer was lost');

describe('a batch that is sealed behind one that is on its way', () => {
  it.each([
    ['is refused, and its entries are sealed anew, where the first is refused', refusal, false],
    ['is refused, and its entries are sealed anew, where the first is in doubt and not done', doubt, false],
    ['is done behind the first where that is in doubt and its bytes persisted', doubt, true],
  ])('%s', async (_, error, persists) => {
    const { behind, between } = firstDoes(async (first) => {
      if (persists) await first();
      throw error;
    });
    const { engine, sealer, chain, verifierKey } = await openSealing(bench.directory, between);
    const all = someEntries(twoBatches).map((entry) => sealer.record(entry).sealed);
    const ends = await Promise.allSettled(all);
    expect(behind.slice(0, 2)).toEqual([undefined, 'blocks/000000000000']);
    const from = persists ? oneBatch : 0;
    const positions = Array.from({ length: oneBatch }, (__, i) => ({ status: 'fulfilled', value: from + i }));
    expect(ends.slice(oneBatch)).toEqual(positions);
    const rejected = Array.from({ length: oneBatch }, () => ({ status: 'rejected', reason: error }));
    expect(ends.slice(0, oneBatch)).toEqual(rejected);
    expect(await sealer.record(someEntries(1)[0] ?? Buffer.alloc(0)).sealed).toBe(from + oneBatch);
    expect(chain.head.link.size).toBe(from + oneBatch + 1);
    await engine.close();
    const size = from + oneBatch + 1;
    expect(bench.verifyBytes(verifierKey, chain.head.checkpoint)).toMatchObject({ ok: true, size });
  });

  it.each([
    ['refused for it', (first: () => Promise<boolean>) => first()],
    ['refused before it', () => Promise.reject(refusal)],
  ])('is not done where another process appended as many entries, and the first was %s', async (_, end) => {
    const { between } = firstDoes(async (first) => {
      await appendElsewhere(oneBatch);
      return end(first);
    });
    const { engine, sealer, verifierKey } = await openSealing(bench.directory, between);
    const all = someEntries(twoBatches).map((entry) => sealer.record(entry).sealed);
    const ends = await Promise.allSettled(all);
    const recorded = ends.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
    expect(Math.min(...recorded)).toBe(oneBatch);
    expect(recorded.length % oneBatch).toBe(0);
    await engine.close();
    const size = oneBatch + recorded.length;
    expect(bench.verifyBytes(verifierKey)).toMatchObject({ ok: true, size });
  });

  it('is shown to nobody before the first is durable', async () => {
    let end = (): void => {};
    const ended = new Promise<void>((resolve) => {
      end = resolve;
    });
    let calls = 0;
    const { engine, chain } = await openSealing(bench.directory, (real) => async (...args) => {
      calls += 1;
      const done = real(...args);
      if (calls === 1) await ended;
      return done;
    });
    const both = [chain.appendSealed(someEntries(2)), chain.appendSealed(someEntries(3))];
    while ((await engine.log.size()) < 5) await new Promise(setImmediate);
    expect(chain.head.link.size).toBe(0);
    end();
    expect(await Promise.all(both)).toEqual([0, 2]);
    expect(chain.head.link.size).toBe(5);
    await engine.close();
  });

  it.each([
    ['held', [oneBatch]],
    ['sent', [oneBatch, twoBatches]],
  ])('is there with the first or not at all after kill -9, when it was %s', async (second, sizes) => {
    const running = spawn(process.execPath, ['--no-warnings', child, bench.directory, second]);
    const [, signal] = await once(running, 'close');
    expect(signal).toBe('SIGKILL');
    const { engine, chain, verifierKey } = await openSealing(bench.directory);
    const { size } = chain.head.link;
    expect(sizes).toContain(size);
    expect(await engine.log.size()).toBe(size);
    expect(await chain.appendSealed(someEntries(1))).toBe(size);
    await engine.close();
    expect(bench.verifyBytes(verifierKey)).toMatchObject({ ok: true, size: size + 1 });
  });

  it('is waited for, like the first, by who closes', async () => {
    const { engine, sealer, verifierKey } = await openSealing(bench.directory);
    const all = someEntries(twoBatches).map((entry) => sealer.record(entry).sealed);
    await sealer.idle();
    await engine.close();
    expect(await Promise.all(all)).toEqual(Array.from({ length: twoBatches }, (_, i) => i));
    expect(bench.verifyBytes(verifierKey)).toMatchObject({ ok: true, size: twoBatches, blocks: 2 });
  });

  it('goes on while others ask for the newest head', async () => {
    const { engine, sealer, verifierKey } = await openSealing(bench.directory);
    const all = [1, 2, 3].flatMap(() => {
      const some = someEntries(twoBatches).map((entry) => sealer.record(entry).sealed);
      return [...some, sealer.catchUp().then(({ link }) => link.size)];
    });
    await Promise.all(all);
    expect(sealer.head.link.size).toBe(3 * twoBatches);
    await engine.close();
    expect(bench.verifyBytes(verifierKey)).toMatchObject({ ok: true, size: 3 * twoBatches });
  });
});
