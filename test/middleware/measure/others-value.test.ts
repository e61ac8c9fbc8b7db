import { describe, expect, it } from 'vitest';
import { othersValue } from '../../../packages/middleware/src/measure/others-value.ts';

describe('what other hosts say of a partition', () => {
  it('is nothing while fewer than two of them have measured it', () => {
    expect(othersValue([])).toEqual({ valueMs: undefined, hosts: 0 });
    expect(othersValue([5_000])).toEqual({ valueMs: undefined, hosts: 1 });
  });

  it('is their median, and of an even number the lower of the middle two', () => {
    expect(othersValue([30, 10, 20])).toEqual({ valueMs: 20, hosts: 3 });
    expect(othersValue([40, 10, 30, 20])).toEqual({ valueMs: 20, hosts: 4 });
    expect(othersValue([9, 100])).toEqual({ valueMs: 9, hosts: 2 });
  });

  it('is high only where more than half of them are, and never by the word of one', () => {
    for (let hosts = 1; hosts <= 9; hosts++) {
      for (let sick = 0; sick <= hosts; sick++) {
        const values = Array.from({ length: hosts }, (_, index) => (index < sick ? 60_000 : 5));
        const isHigh = (othersValue(values).valueMs ?? 0) > 250;
        expect([hosts, sick, isHigh]).toEqual([hosts, sick, hosts > 1 && sick > hosts / 2]);
      }
    }
  });
});
