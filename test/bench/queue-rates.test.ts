import { describe, expect, it } from 'vitest';
import { sharedCalls } from '../../bench/src/ledger/beside/shared-calls.ts';
import type { Contender } from '../../bench/src/queue/contender.ts';
import { ratesOf } from '../../bench/src/queue/rates-of.ts';

/** A queue in memory that hands each job to `perform` so many times, carrying that. */
function contender(times: number, carried: unknown): Contender {
  let jobs = 0;
  return {
    async add() {
      jobs += 1;
    },
    async addMany(count) {
      jobs += count;
    },
    async perform(job) {
      const count = jobs;
      setImmediate(() => {
        for (let n = 0; n < count * times; n++) job(carried);
        jobs = 0;
      });
      return async () => {};
    },
    remaining: async () => jobs,
    async empty() {
      jobs = 0;
    },
  };
}

describe('the rate of performing', () => {
  it('is taken of a queue that performs each job once', async () => {
    expect(await ratesOf(contender(1, {})).perform(1)).toBeGreaterThan(0);
  });

  it('is refused where jobs are performed twice, or come without what they carry', async () => {
    await expect(ratesOf(contender(2, {})).perform(1)).rejects.toThrow(
      '100 jobs were performed by 200 calls',
    );
    await expect(ratesOf(contender(1, undefined)).perform(1)).rejects.toThrow('without what it carries');
  });
});

describe('a call that is shared', () => {
  it('began after each of those asked whom it answers', async () => {
    const ends: (() => void)[] = [];
    const call = sharedCalls(() => new Promise<void>((resolve) => ends.push(resolve)));
    const turn = () => new Promise((resolve) => setImmediate(resolve));
    const answered: string[] = [];
    const ask = (who: string) => call().then(() => answered.push(who));
    const all = [ask('first')];
    await turn();
    all.push(ask('second'), ask('third'));
    await turn();
    expect(ends).toHaveLength(1);
    ends[0]?.();
    await turn();
    expect([answered, ends.length]).toEqual([['first'], 2]);
    ends[1]?.();
    await Promise.all(all);
    expect(answered).toEqual(['first', 'second', 'third']);
  });
});
