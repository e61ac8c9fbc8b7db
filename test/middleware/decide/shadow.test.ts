import { describe, expect, it } from 'vitest';
import type { WorkTypeRank } from '../../../packages/middleware/src/decide/work-type.ts';
import { type Host, hostOf, letGo, rank } from './host.ts';

const inShadow = (of: WorkTypeRank): WorkTypeRank => ({ ...of, shadow: true });

/** A request as it is when nothing is refused: it commits, whatever was decided. */
function through(host: Host, workType: string, latencyMs: number): string {
  const admitted = host.ask(workType);
  if (admitted.perform) admitted.entry.wrote('orders');
  host.commitOf(latencyMs);
  letGo(admitted);
  return admitted.reason;
}

describe('work in shadow mode', () => {
  it('is over, recovers and is clear again by the commits of requests that would have been refused', () => {
    const host = hostOf({ ranks: [inShadow(rank('report', 1, 100))] });
    const reasons = new Set<string>();
    for (let i = 0; i < 10; i++) reasons.add(through(host, 'report', 20));
    expect([...reasons]).toEqual(['clear']);
    for (let i = 0; i < 40; i++) through(host, 'report', 300);
    expect(host.stateOf('report')).toBe('over');
    for (let i = 0; i < 200; i++) through(host, 'report', 20);
    expect(host.stateOf('report')).toBe('clear');
    expect(host.changes.map(({ to }) => to)).toEqual(['over', 'recovering', 'clear']);
  });

  it('keeps no enforced work from its probe by waiting, since it does not wait', () => {
    const askedAs = (first: WorkTypeRank): string => {
      const host = hostOf({ ranks: [first, rank('last', 2, 100)] });
      for (let i = 0; i < 6; i++) host.commitOf(300);
      letGo(host.ask('first'));
      expect(host.ask('first').perform).toBe(false);
      host.time.advance(200);
      return host.ask('last').reason;
    };
    expect(askedAs(rank('first', 1, 200))).toBe('over-threshold');
    expect(askedAs(inShadow(rank('first', 1, 200)))).toBe('probe');
  });

  it('still lets enforced work go before enforced work', () => {
    const ranks = [rank('first', 1, 200), inShadow(rank('second', 2, 150)), rank('last', 3, 100)];
    const host = hostOf({ ranks });
    for (let i = 0; i < 6; i++) host.commitOf(300);
    letGo(host.ask('first'));
    host.ask('first');
    host.time.advance(200);
    expect(host.ask('last').perform).toBe(false);
  });
});
