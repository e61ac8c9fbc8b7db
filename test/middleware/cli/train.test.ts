import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { modelScorer, sqliteEngine } from '@slackwater/middleware';
import { encodeEntry, type LedgerEntry } from '@slackwater/shared';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { systemClock as clock } from '../../../packages/middleware/src/clock.ts';
import type { OpenEngine } from '../../../packages/middleware/src/engines/engine.ts';
import { factsWith } from '../scorers/scoring.ts';
import { slackwaterSays } from './command-line.ts';

let directory: string;

beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'slackwater-train-'));
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));

/** What became of a deferral: performed at once, after a wait, after a failed attempt, or not yet. */
type Fate = 'at once' | 'waited' | 'failed' | 'queued';

/** The entries of one deferral that was accepted at that minute. */
function life(n: number, fate: Fate, more: Partial<LedgerEntry>): LedgerEntry[] {
  const acceptedAt = Date.UTC(2026, 4, 4, 9, n % 60);
  const entry = (type: LedgerEntry['type'], afterMs: number, own: Partial<LedgerEntry>): LedgerEntry => ({
    v: 1,
    type,
    id: `01JTX${String(n).padStart(21, '0')}`,
    at: new Date(acceptedAt + afterMs).toISOString(),
    ...{
      group: 'main',
      application: 'shop',
      method: 'POST',
      route: '/orders',
      workType: 'order',
      partition: 'shop',
    },
    requester: 'r-1',
    reasons: [],
    ...more,
    ...own,
  });
  const accepted = entry('accepted', 0, {
    payload: Buffer.alloc(32).toString('base64'),
    reasons: ['metric-over'],
  });
  if (fate === 'queued') return [accepted];
  const attempt = 1;
  const begun = entry('performing', fate === 'waited' ? 5_000 : 50, { attempt });
  const retryAt = new Date(acceptedAt + 9_000).toISOString();
  return fate === 'failed'
    ? [accepted, begun, entry('failed', 70, { attempt, status: 500, error: 'route-failed', retryAt })]
    : [accepted, begun, entry('performed', 6_000, { attempt, status: 201 })];
}

async function writeLedger(lives: readonly (readonly LedgerEntry[])[]): Promise<void> {
  const engine: OpenEngine = await sqliteEngine({ directory }).open({
    application: 'shop',
    group: 'main',
    clock,
  });
  for (const entries of lives) await engine.log.append(entries.map(encodeEntry));
  await engine.close();
}

const waiting = (value: number): Partial<LedgerEntry> => ({
  because: { requesterClass: 'free', metrics: { poolWaiters: { value, over: 5 } } },
});

describe('slackwater train', () => {
  const out = (): string => join(directory, 'model.json');
  const train = (...more: string[]): ReturnType<typeof slackwaterSays> =>
    slackwaterSays('train', '--ledger', `sqlite:${directory}`, '--out', out(), ...more);

  it('says what is missing of a history that teaches nothing', async () => {
    await writeLedger([
      life(0, 'at once', waiting(6)),
      life(1, 'waited', waiting(9)),
      life(2, 'queued', waiting(9)),
    ]);
    const { code, err } = await train();
    expect([code, err]).toEqual([
      1,
      expect.stringMatching(/of 2 deferrals that were tried, 1 had to wait: it takes 20/),
    ]);
  });

  it("makes a model of the ledger's history that a scorer tells with who had to wait (B-16)", async () => {
    const lives = Array.from({ length: 200 }, (_, n) => {
      const waiters = 6 + (n % 10);
      const fate: Fate = waiters < 11 ? 'at once' : n % 3 === 0 ? 'failed' : 'waited';
      return life(n + 3, fate, waiting(waiters));
    });
    await writeLedger(lives);
    const { code, out: said, err } = await train();
    expect([code, err]).toEqual([0, expect.stringMatching(/607 of 607/)]);
    const told = JSON.parse(said) as Record<string, unknown>;
    expect(told).toMatchObject({ file: out(), entries: 607, examples: 202, waited: 101, unfinished: 1 });
    expect(told['quality']).toMatchObject({ examples: 40, accuracy: 1 });
    expect(JSON.parse(readFileSync(out(), 'utf8'))).toMatchObject({
      v: 1,
      kind: 'logistic-regression',
      version: told['version'],
    });

    const scorer = modelScorer({ file: out() });
    const scoreAt = async (poolWaiters: number): Promise<number> => {
      const answer = await scorer.score(
        factsWith({ requesterClass: 'free', hour: 9, metrics: { poolWaiters } }),
      );
      expect(answer.version).toBe(told['version']);
      return 'score' in answer ? answer.score : Number.NaN;
    };
    expect(await scoreAt(6)).toBeLessThan(0.2);
    expect(await scoreAt(15)).toBeGreaterThan(0.8);
  });

  it('takes another wait for a wait where it is told to', async () => {
    const { code, err } = await train('--waited-ms', '60000');
    expect([code, err]).toEqual([0, expect.stringMatching(/607 of 607/)]);
    expect(JSON.parse(readFileSync(out(), 'utf8')).training.waited).toBeLessThan(101);
  });

  it.each([
    [['train'], /--ledger is missing/],
    [['train', '--ledger', 'sqlite:/nowhere'], /--out is missing/],
    [['train', '--ledger', 'sqlite:/nowhere', '--out', 'x', '--waited-ms', 'long'], /"long" is no number/],
    [
      ['train', '--ledger', 'nats:localhost:4222', '--application', 'shop', '--out', 'x'],
      /--keys is missing/,
    ],
  ])('refuses %j', async (args, message) => {
    expect(await slackwaterSays(...args)).toMatchObject({ code: 2, err: expect.stringMatching(message) });
  });
});
