import { headers } from '@nats-io/transport-node';
import { describe, expect, it } from 'vitest';
import type { Kept } from '../../../../packages/middleware/src/engines/nats/kept.ts';
import { subjectOrder, type Wire } from '../../../../packages/middleware/src/engines/nats/subject-order.ts';

const nothing = new Uint8Array();

/** A stream in memory. What was written is shown only after `hiddenLooks` further questions. */
function wireOf(hiddenLooks = 0) {
  const kept: Kept[] = [];
  let looks = 0;
  let under = 0;
  let most = 0;
  const pauses: number[] = [];
  const wire: Wire = {
    last: async (_stream, subject) => kept.findLast((one) => one.subject === subject),
    async next(_stream, subject, from) {
      looks += 1;
      if (looks <= hiddenLooks) return undefined;
      return kept.find((one) => one.subject === subject && one.seq >= from);
    },
    async send(_stream, subject, data, sent) {
      under += 1;
      most = Math.max(most, under);
      const with_ = headers();
      for (const [name, value] of Object.entries(sent)) with_.set(name, value);
      const seq = kept.length + 1;
      kept.push({ seq, at: 0, subject, headers: with_, data });
      await new Promise((resolve) => setImmediate(resolve));
      under -= 1;
      return seq;
    },
    async pause(ms) {
      pauses.push(ms);
    },
  };
  return { order: subjectOrder(wire), kept, pauses, mostAtOnce: () => most };
}

describe('the order of a subject', () => {
  it('looks a few times for a message that was acknowledged and is not shown yet', async () => {
    const { order, pauses } = wireOf(3);
    expect(await order.replace('s', 'k', nothing, {}, 0, false)).toBe(1);
    expect(pauses).toHaveLength(3);
  });

  it('says that the fate is unknown where it is not shown in the end', async () => {
    const { order, pauses } = wireOf(100);
    await expect(order.replace('s', 'k', nothing, {}, 0, false)).rejects.toMatchObject({ fate: 'unknown' });
    expect(pauses.reduce((sum, ms) => sum + ms, 0)).toBeLessThan(5_000);
  });

  it('is written by one call of a host at a time, of which the first wins', async () => {
    const { order, kept, mostAtOnce } = wireOf();
    const tried = await Promise.all(
      Array.from({ length: 200 }, () => order.replace('s', 'k', nothing, {}, 0, false)),
    );
    expect(tried.filter((seq) => seq !== undefined)).toEqual([1]);
    expect([kept.length, mostAtOnce()]).toEqual([1, 1]);
  });

  it('goes on from a message of another subject', async () => {
    const { order } = wireOf();
    await order.replace('s', 'elsewhere', nothing, {}, 0, false);
    expect(await order.replace('s', 'k', nothing, {}, 1, true)).toBe(2);
    expect(await order.replace('s', 'k', nothing, {}, 1, true)).toBeUndefined();
    expect((await order.standing('s', 'k'))?.counts.seq).toBe(2);
  });
});
