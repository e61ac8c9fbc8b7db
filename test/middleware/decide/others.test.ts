import { describe, expect, it } from 'vitest';
import { type Host, hostOf, letGo, rank } from './host.ts';

const order = rank('order', 1, 250);

/** A host that hears others say so; what they say may change. */
function hostAmong(othersMs: number): Host & { othersMs: number } {
  const said = { othersMs };
  const host = hostOf({ ranks: [order], admissions: { othersOf: () => said.othersMs } });
  return Object.assign(said, host);
}

describe('a host that knows nothing of its own', () => {
  it('goes by what the others say, and says so', () => {
    const host = hostAmong(400);
    expect(host.ask('order')).toMatchObject({ perform: true, reason: 'probe' });
    expect(host.ask('order')).toMatchObject({ perform: false, reason: 'others-over-threshold' });
    expect(host.changes).toMatchObject([{ from: 'clear', to: 'over', valueMs: 400 }]);
  });

  it('also where it knows of too few commits', () => {
    const host = hostAmong(400);
    for (let i = 0; i < 4; i++) host.commitOf(5);
    letGo(host.ask('order'));
    expect(host.ask('order')).toMatchObject({ perform: false, reason: 'others-over-threshold' });
  });

  it('and where what it knew has grown old', () => {
    const host = hostAmong(400);
    for (let i = 0; i < 5; i++) host.commitOf(5);
    expect(host.ask('order')).toMatchObject({ perform: true, reason: 'clear' });
    host.time.advance(30_001);
    letGo(host.ask('order'));
    expect(host.ask('order')).toMatchObject({ perform: false, reason: 'others-over-threshold' });
  });

  it('performs where they say that it is no more than the threshold, or say nothing', () => {
    for (const said of [250, 3, Number.NaN]) {
      const host = hostAmong(said);
      expect(host.ask('order')).toMatchObject({ perform: true, reason: 'clear' });
      expect(host.changes).toEqual([]);
    }
  });

  it('performs again as soon as they no longer say it, without a commit of its own', () => {
    for (const said of [5, Number.NaN]) {
      const host = hostAmong(400);
      letGo(host.ask('order'));
      expect(host.stateOf('order')).toBe('over');
      host.othersMs = said;
      expect(host.ask('order')).toMatchObject({ perform: true, reason: 'clear' });
      expect(host.openings).toEqual(['orders']);
    }
  });

  it('sees that too where no request comes', () => {
    const host = hostAmong(400);
    letGo(host.ask('order'));
    host.othersMs = Number.NaN;
    host.time.advance(50);
    expect(host.stateOf('order')).toBe('clear');
    expect(host.time.pending).toBe(0);
  });
});

describe('a host that knows by itself', () => {
  it('goes by its own value alone, whatever the others say (D-02, D-24)', () => {
    const quick = hostAmong(9_000);
    for (let i = 0; i < 5; i++) quick.commitOf(5);
    expect(quick.ask('order')).toMatchObject({ perform: true, reason: 'clear' });
    const slow = hostAmong(5);
    for (let i = 0; i < 5; i++) slow.commitOf(400);
    letGo(slow.ask('order'));
    expect(slow.ask('order')).toMatchObject({ perform: false, reason: 'over-threshold' });
  });

  it('finds out by a probe that it is well, while the others still say that they are not', () => {
    const host = hostAmong(400);
    letGo(host.ask('order'));
    host.commitOf(5);
    expect(host.stateOf('order')).toBe('recovering');
    for (let i = 0; i < 5; i++) {
      letGo(host.ask('order'));
      host.time.advance(250);
      host.commitOf(5);
    }
    expect(host.stateOf('order')).toBe('clear');
    expect(host.ask('order')).toMatchObject({ perform: true, reason: 'clear' });
  });

  it('is over by its own word from its first slow commit on: good words of others open nothing then', () => {
    const host = hostAmong(400);
    letGo(host.ask('order'));
    host.commitOf(500);
    host.othersMs = 5;
    host.time.advance(10);
    letGo(host.ask('order'));
    expect(host.ask('order')).toMatchObject({ perform: false, reason: 'over-threshold' });
  });

  it('is over by its own word: what it knew may expire, and good words of others open nothing', () => {
    const host = hostAmong(5);
    for (let i = 0; i < 5; i++) host.commitOf(400);
    letGo(host.ask('order'));
    host.time.advance(40_000);
    expect(host.stateOf('order')).toBe('over');
  });

  it('that has just seen its partition recover is not thrown back by the others', () => {
    const host = hostOf({
      ranks: [order],
      // Two connections: minSamples good commits are enough to be clear.
      sources: [
        { partition: 'orders', driver: 'pg', connections: 2, probe: undefined, completions: undefined },
      ],
      admissions: { othersOf: () => 400 },
    });
    letGo(host.ask('order'));
    for (let i = 0; i < 6; i++) host.commitOf(5);
    expect(host.stateOf('order')).toBe('clear');
    expect(host.ask('order')).toMatchObject({ perform: true, reason: 'clear' });
  });
});
