import { manualClock } from '@slackwater/test-support/manual-clock';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { OpenEngine } from '../../../packages/middleware/src/engines/engine.ts';
import { acceptanceOf, accepted, type Bench, inTwo, ledgerBench } from './ledgers.ts';

let bench: Bench;
beforeEach(async () => {
  bench = await ledgerBench();
});
afterEach(() => bench.end());

/** Holds calls back until it is released; they are then done. */
function gate(): { readonly reached: Promise<void>; pass(): Promise<void>; release(): void } {
  let release = (): void => {};
  let reach = (): void => {};
  const open = new Promise<void>((resolve) => {
    release = resolve;
  });
  const reached = new Promise<void>((resolve) => {
    reach = resolve;
  });
  return {
    reached,
    pass: () => {
      reach();
      return open;
    },
    release: () => release(),
  };
}

type Slow = (engine: OpenEngine, pass: () => Promise<void>) => OpenEngine;
const slowPayload: Slow = (engine, pass) => ({
  ...engine,
  store: {
    ...engine.store,
    async create(key, ...rest) {
      if (key.startsWith('payload/')) await pass();
      return engine.store.create(key, ...rest);
    },
  },
});
const slowAppend: Slow = (engine, pass) => ({
  ...engine,
  log: {
    ...inTwo(engine.log),
    async append(entries) {
      await pass();
      return engine.log.append(entries);
    },
  },
});
const slowState: Slow = (engine, pass) => ({
  ...engine,
  store: {
    ...engine.store,
    async create(key, ...rest) {
      if (key.startsWith('deferral/')) await pass();
      return engine.store.create(key, ...rest);
    },
  },
});

describe('an engine that does not answer', () => {
  it('before the append: nothing is recorded, then or later', async () => {
    const clock = manualClock();
    const { reached, pass, release } = gate();
    const { ledger, engine } = await bench.open({
      clock,
      engineTimeoutMs: 1_000,
      between: (real) => slowPayload(real, pass),
    });
    const answer = ledger.accept(acceptanceOf()).catch((error: unknown) => error);
    await reached;
    clock.advance(1_000);
    expect(await answer).toMatchObject({ code: 'engine-timeout', fate: 'none' });
    release();
    await ledger.close();
    expect(await engine.log.size()).toBe(0);
    expect(await engine.store.list('payload/', { limit: 10 })).toEqual([]);
  });

  it('within the append: the fate is unknown and the id is told', async () => {
    const clock = manualClock();
    const { reached, pass, release } = gate();
    const { ledger } = await bench.open({
      clock,
      engineTimeoutMs: 1_000,
      between: (real) => slowAppend(real, pass),
    });
    const answer = ledger.accept(acceptanceOf()).catch((error: unknown) => error);
    await reached;
    // This one waits behind the other and is taken back.
    const second = ledger.accept(acceptanceOf()).catch((error: unknown) => error);
    await new Promise((resolve) => setTimeout(resolve, 100));
    clock.advance(1_000);
    const failure = await answer;
    expect(failure).toMatchObject({
      code: 'engine-timeout',
      fate: 'unknown',
      deferralId: expect.any(String),
    });
    expect(await second).toMatchObject({ code: 'engine-timeout', fate: 'none' });
    release();
    await ledger.recover();
    const listed = (await ledger.list({ limit: 10 })).deferrals;
    expect(listed.map(({ id }) => ({ deferralId: id }))).toEqual([
      { deferralId: (failure as { deferralId: string }).deferralId },
    ]);
  });

  it('after the sealing: the request is accepted all the same', async () => {
    const clock = manualClock();
    const { reached, pass, release } = gate();
    const { ledger } = await bench.open({
      clock,
      engineTimeoutMs: 1_000,
      between: (real) => slowState(real, pass),
    });
    const answer = ledger.accept(acceptanceOf());
    await reached;
    while ((await ledger.block(0)) === undefined);
    await new Promise((resolve) => setTimeout(resolve, 50));
    clock.advance(1_000);
    const result = await answer;
    expect(result).toMatchObject({ kind: 'accepted', repeated: false });
    release();
  });

  it('bounds every question and every step', async () => {
    const clock = manualClock();
    let silent = false;
    const never = (): Promise<never> => new Promise(() => {});
    const { ledger } = await bench.open({
      clock,
      engineTimeoutMs: 1_000,
      between: (real) => ({
        ...real,
        store: {
          ...real.store,
          get: (key) => (silent ? never() : real.store.get(key)),
          list: (prefix, options) => (silent ? never() : real.store.list(prefix, options)),
        },
      }),
    });
    const deferral = await accepted(ledger);
    await ledger.proof(deferral.id);
    silent = true;
    const calls = [
      ledger.find(deferral.id),
      ledger.findByKey('a', 'POST', '/x', 'k'),
      ledger.request(deferral.id),
      ledger.outcome(deferral.id),
      ledger.proof(deferral.id),
      ledger.admitsCapability(deferral.id, 'c'),
      ledger.isRequester(deferral, 'somebody else'),
      ledger.list({ limit: 1 }),
      ledger.checkpoint(),
      ledger.block(0),
      ledger.step(deferral.id, { type: 'performing', token: 1 }),
      ledger.accept(acceptanceOf({ idempotencyKey: 'k', requester: 'somebody else' })),
    ].map((call) => call.catch((error: unknown) => error));
    await new Promise((resolve) => setTimeout(resolve, 50));
    clock.advance(1_000);
    for (const answer of await Promise.all(calls)) expect(answer).toMatchObject({ code: 'engine-timeout' });
  });
});
