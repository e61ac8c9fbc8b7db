import { describe, expect, it } from 'vitest';
import { ItemAdmission, type ItemAnswer } from '../../../packages/middleware/src/decide/item-admission.ts';
import { ItemProbes } from '../../../packages/middleware/src/decide/item-probes.ts';
import { type Host, hostOf, letGo, rank } from './host.ts';

const ranks = [rank('settle', 1, 100), rank('report', 2, 100)];
const probeEveryMs = 200;

/** A host on whose partition commits are slow, and what its queued items ask. */
function slowHost(): { host: Host; item(workType?: string): ItemAnswer } {
  const host = hostOf({ ranks });
  for (let n = 0; n < 5; n++) host.commitOf(300);
  const probes = new ItemProbes(host.time, probeEveryMs);
  const options = { workTypes: ranks, defaultWorkType: 'report' };
  const items = new ItemAdmission(host.admissions, options, undefined, probes);
  // It takes one who asks to see that it is over.
  letGo(host.ask('report'));
  host.time.advance(probeEveryMs);
  expect(host.stateOf('settle')).toBe('over');
  return { host, item: (workType = 'settle') => items.admit({ partition: 'orders', workType }) };
}

/** It begins, and fails before it commits. */
function fails(answer: ItemAnswer): boolean {
  if (answer.admitted) answer.finished();
  return answer.admitted;
}

describe('a queued item that commits nothing', () => {
  it('leaves the next probe to a request', () => {
    const { host, item } = slowHost();
    expect(fails(item())).toBe(true);
    host.time.advance(probeEveryMs);
    expect(item()).toMatchObject({ admitted: false, reasons: ['over-threshold'], askAgainInMs: 200 });
    expect(host.ask('settle')).toMatchObject({ perform: true, reason: 'probe' });
  });

  it('leaves ever more of them, up to a bound, and is tried again', () => {
    const { host, item } = slowHost();
    const at: number[] = [];
    for (let waited = 0; waited <= 40_000; waited += 100) {
      if (fails(item())) at.push(waited);
      host.time.advance(100);
    }
    const gaps = at.slice(1).map((each, n) => each - (at[n] ?? 0));
    expect(gaps).toEqual([400, 800, 1_600, 3_200, 6_400, 6_400, 6_400, 6_400, 6_400]);
  });

  it('does not keep a partition over that requests show to be well', () => {
    const { host, item } = slowHost();
    // Each time that a probe is due an item asks for it first, and fails.
    let waited = 0;
    for (; host.stateOf('report') !== 'clear' && waited < 10_000; waited += 50) {
      fails(item());
      const asked = host.ask('report');
      if (asked.perform) {
        asked.entry.wrote('orders');
        host.commitOf(5);
        asked.entry.finished();
      }
      host.time.advance(45);
    }
    expect(host.stateOf('report')).toBe('clear');
    expect(waited).toBeLessThan(5_000);
  });

  it('does not stand in the way of less important requests while it may not probe itself', () => {
    const { host, item } = slowHost();
    fails(item());
    for (let waited = 0; waited < 1_000; waited += 50) {
      host.time.advance(50);
      const asked = host.ask('report');
      if (asked.perform) return;
      fails(item());
    }
    throw new Error('no report was let through');
  });

  it('is no sign of items of other work types, nor of the next trouble', () => {
    const { host, item } = slowHost();
    fails(item());
    host.time.advance(2.5 * probeEveryMs);
    fails(item());
    host.time.advance(probeEveryMs);
    expect(item().admitted).toBe(false);
    expect(fails(item('report'))).toBe(true);
    // It recovers by a request.
    for (let n = 0; n < 40; n++) {
      const asked = host.ask('settle');
      if (asked.perform) asked.entry.wrote('orders');
      host.commitOf(5);
      letGo(asked);
      host.time.advance(200);
    }
    expect(host.stateOf('settle')).toBe('clear');
    expect(fails(item())).toBe(true);
    for (let n = 0; n < 64; n++) host.commitOf(300);
    host.time.advance(probeEveryMs);
    expect(fails(item())).toBe(true);
  });
});

describe('a queued item that commits', () => {
  it('is believed at once, whatever those before it did', () => {
    const { host, item } = slowHost();
    for (let n = 0; n < 4; n++) {
      fails(item());
      host.time.advance(32 * probeEveryMs);
    }
    const answer = item();
    if (!answer.admitted) throw new Error('not admitted');
    answer.wrote('orders');
    // As slow as before: it stays over, and the next probe is for whoever comes.
    host.commitOf(300);
    answer.finished();
    expect(host.stateOf('settle')).toBe('over');
    expect(item().admitted).toBe(true);
  });

  it('on another partition shows nothing of this one', () => {
    const { host, item } = slowHost();
    const answer = item();
    if (!answer.admitted) throw new Error('not admitted');
    answer.wrote('elsewhere');
    answer.finished();
    host.time.advance(probeEveryMs);
    expect(item().admitted).toBe(false);
  });
});
