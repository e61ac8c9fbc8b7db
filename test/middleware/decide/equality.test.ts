import { describe, expect, it } from 'vitest';
import { hostOf, letGo, rank } from './host.ts';

const order = rank('order', 1, 200);
const report = rank('report', 2, 120);

describe('a value equal to the threshold', () => {
  it('is not over it while less important work is over its own (D-20)', () => {
    const host = hostOf({ ranks: [order, report] });
    for (let i = 0; i < 5; i++) host.commitOf(200);
    letGo(host.ask('report'));
    expect(host.ask('report').perform).toBe(false);
    expect(host.ask('order')).toMatchObject({ perform: true, reason: 'clear' });
    expect(host.stateOf('order')).toBe('clear');
  });

  it('no longer exceeds it: a commit that takes just that long leads out of over (D-26)', () => {
    const host = hostOf({ ranks: [order] });
    for (let i = 0; i < 5; i++) host.commitOf(201);
    letGo(host.ask('order'));
    host.commitOf(201);
    expect(host.stateOf('order')).toBe('over');
    host.commitOf(200);
    expect(host.stateOf('order')).toBe('recovering');
  });

  it('is no sign of trouble to work that recovers (D-20)', () => {
    const host = hostOf({ ranks: [order] });
    for (let i = 0; i < 5; i++) host.commitOf(201);
    letGo(host.ask('order'));
    for (let i = 0; i < 8 && host.stateOf('order') !== 'clear'; i++) host.commitOf(200);
    expect(host.stateOf('order')).toBe('clear');
    expect(host.changes.map(({ to }) => to)).toEqual(['over', 'recovering', 'clear']);
  });
});
