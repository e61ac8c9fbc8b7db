import { describe, expect, it } from 'vitest';
import { gathered } from '../../../../packages/middleware/src/engines/nats/gathered.ts';

function recording(fails: (calls: readonly string[]) => boolean = () => false) {
  const performed: (readonly string[])[] = [];
  const call = gathered<string, string>({
    calls: 3,
    bytes: 10,
    sizeOf: (text) => text.length,
    async perform(calls) {
      performed.push(calls);
      if (fails(calls)) throw new Error(`not ${calls.join()}`);
      return calls.map((text) => text.toUpperCase());
    },
  });
  return { call, performed };
}

describe('calls that are gathered', () => {
  it('go together when they come in one turn, each with its own answer', async () => {
    const { call, performed } = recording();
    expect(await Promise.all(['a', 'b', 'c'].map(call))).toEqual(['A', 'B', 'C']);
    expect(performed).toEqual([['a', 'b', 'c']]);
  });

  it('are split by number and by size, in their order, and one that is too large goes alone', async () => {
    const { call, performed } = recording();
    await Promise.all(['a', 'b', 'c', 'd', 'eeeeeeeee', 'f', 'gggggggggggg', 'h'].map(call));
    expect(performed).toEqual([['a', 'b', 'c'], ['d', 'eeeeeeeee'], ['f'], ['gggggggggggg'], ['h']]);
  });

  it('wait for those under way, and then go together', async () => {
    const { call, performed } = recording();
    const first = call('a');
    await new Promise((resolve) => setImmediate(resolve));
    await Promise.all([first, call('b'), call('c')]);
    expect(performed).toEqual([['a'], ['b', 'c']]);
  });

  it('fail together with those they went with, and with no others', async () => {
    const { call, performed } = recording((calls) => calls.includes('b'));
    const answers = await Promise.allSettled(['a', 'b', 'c', 'd'].map(call));
    expect(answers.map(({ status }) => status)).toEqual(['rejected', 'rejected', 'rejected', 'fulfilled']);
    expect(await call('e')).toBe('E');
    expect(performed).toHaveLength(3);
  });

  it('are refused with the fate none where too much waits', async () => {
    const { call } = recording();
    const large = 'x'.repeat(30 * 1024 * 1024);
    const taken = [call(large), call(large)];
    await expect(call(large)).rejects.toMatchObject({ code: 'engine-unavailable', fate: 'none' });
    await Promise.all(taken);
  });
});
