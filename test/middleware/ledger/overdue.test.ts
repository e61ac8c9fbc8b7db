import { parseEntry } from '@slackwater/shared';
import { type ManualClock, manualClock } from '@slackwater/test-support/manual-clock';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Deferral, Step } from '../../../packages/middleware/src/ledger/deferral.ts';
import type { Ledger } from '../../../packages/middleware/src/ledger/open-ledger.ts';
import { accepted, type Bench, ledgerBench, type OpenedLedger } from './ledgers.ts';

const startAt = Date.UTC(2026, 4, 1, 12);
const performed: Step = { type: 'performed', token: 1, outcome: undefined };

let bench: Bench;
let clock: ManualClock;
let opened: OpenedLedger;
beforeEach(async () => {
  bench = await ledgerBench();
  clock = manualClock(startAt);
  opened = await bench.open({ clock });
});
afterEach(() => bench.end());

async function missed(ledger: Ledger = opened.ledger): Promise<readonly Deferral[]> {
  const all: Deferral[] = [];
  await ledger.reportOverdue((deferral) => all.push(deferral));
  return all;
}

async function entries(): Promise<readonly string[]> {
  return (await opened.engine.log.read(0, 1_000)).map(parseEntry).map(({ type }) => type);
}

describe('a deferral with a promised time', () => {
  it('has it in its signed entry, and in the deferral, also when that is made again from the log', async () => {
    const { ledger, engine } = opened;
    const { id, deadlineAt } = await accepted(ledger, { maxDelayMs: 60_000 });
    expect(deadlineAt).toBe(startAt + 60_000);
    const proof = await ledger.proof(id);
    expect(parseEntry(proof.entry)).toMatchObject({ deadlineAt: '2026-05-01T12:01:00.000Z' });
    await engine.store.delete(`deferral/${id}`);
    expect(await ledger.find(id)).toMatchObject({ deadlineAt: startAt + 60_000 });
    expect((await accepted(ledger)).deadlineAt).toBeUndefined();
  });

  it('is told of once when the time has passed, and an entry says that it is overdue', async () => {
    const { ledger } = opened;
    const late = await accepted(ledger, { maxDelayMs: 60_000 });
    await accepted(ledger, { maxDelayMs: 90_000 });
    await accepted(ledger);
    clock.advance(60_000);
    expect(await missed()).toEqual([]);
    clock.advance(1);
    expect(await missed()).toMatchObject([{ id: late.id, deadlineAt: startAt + 60_000, phase: 'queued' }]);
    expect(await missed()).toEqual([]);
    expect(await entries()).toEqual(['accepted', 'accepted', 'accepted', 'overdue']);
    // It goes on as if nothing had been said.
    expect(await ledger.step(late.id, { type: 'performing', token: 1 })).toMatchObject({ attempts: 1 });
    expect(await ledger.step(late.id, performed)).toMatchObject({ status: 'Succeeded' });
    expect(bench.verifyBytes(ledger.verifierKey)).toMatchObject({ ok: true });
  });

  it('is told of by one process alone, and after a restart where none was there in time', async () => {
    await accepted(opened.ledger, { maxDelayMs: 60_000 });
    await opened.close();
    clock.advance(3_600_000);
    opened = await bench.open({ clock });
    const second = await bench.open({ clock });
    const told = [await missed(), await missed(second.ledger)];
    expect(told.map(({ length }) => length)).toEqual([1, 0]);
    expect(await entries()).toEqual(['accepted', 'overdue']);
  });

  it.each([
    ['performed', [{ type: 'performing', token: 1 }, performed]],
    ['canceled', [{ type: 'canceled', error: { code: 'canceled-by-requester', message: 'no' } }]],
    ['parked', [{ type: 'parked', token: 1, error: { code: 'route-missing', message: 'no' } }]],
  ] as const)('is not told of where it was %s in time', async (_what, steps) => {
    const { id } = await accepted(opened.ledger, { maxDelayMs: 60_000 });
    for (const step of steps) await opened.ledger.step(id, step);
    clock.advance(3_600_000);
    expect(await missed()).toEqual([]);
    expect(await entries()).not.toContain('overdue');
  });

  it('is told of where it was settled late, before anybody looked', async () => {
    const { id } = await accepted(opened.ledger, { maxDelayMs: 60_000 });
    clock.advance(60_001);
    await opened.ledger.step(id, { type: 'performing', token: 1 });
    await opened.ledger.step(id, performed);
    expect(await missed()).toMatchObject([{ id, status: 'Succeeded' }]);
    expect(await entries()).toEqual(['accepted', 'performing', 'performed']);
  });

  it('leaves nothing behind where its entry was never appended', async () => {
    const { engine } = opened;
    await engine.store.put(
      `promise/${String(startAt).padStart(15, '0')}/01JTX0000000000000000000E7`,
      new Uint8Array(),
    );
    clock.advance(1);
    expect(await missed()).toEqual([]);
    expect(await engine.store.list('promise/', { limit: 10 })).toEqual([]);
    expect(await entries()).toEqual([]);
  });
});
