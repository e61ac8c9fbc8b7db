import { expect, it } from 'vitest';
import type { Commit, CommitSource } from '../../../packages/middleware/src/drivers/driver.ts';
import { type Host, hostOf, rank } from './host.ts';

const order = rank('order', 1, 100);

/** A request each 100 ms for so long, of which each that is let through writes; gives how many were. */
async function requests(host: Host, forMs: number, kind: Commit['kind'], tookMs: number): Promise<number> {
  let passed = 0;
  for (let at = 0; at < forMs; at += 100) {
    const asked = host.ask('order');
    if (asked.perform) {
      passed += 1;
      asked.entry.wrote('orders');
      commitOf(host, kind, tookMs);
      asked.entry.finished();
    }
    host.time.advance(100 - (asked.perform ? tookMs : 0));
    // What a driver's probe has shown is learned in a few turns.
    for (let turn = 0; turn < 6; turn++) await null;
  }
  return passed;
}

function slow(host: Host, kind: Commit['kind']): void {
  for (let n = 0; n < 5; n++) {
    commitOf(host, kind, 300);
  }
}

function commitOf(host: Host, kind: Commit['kind'], ms: number): void {
  const commit: Commit = {
    ...{ partition: 'orders', kind, startedAt: host.time.now() },
    ...{ context: undefined, durationMs: 0, outcome: undefined },
  };
  host.table.begin(commit);
  host.time.advance(ms);
  host.finish(commit);
}

it('a partition whose quick writes are all autocommitted has recovered, whatever explicit commits once took', async () => {
  const host = hostOf({ ranks: [order] });
  slow(host, 'explicit');
  await requests(host, 3_000, 'autocommit', 5);
  expect(host.stateOf('order')).toBe('clear');
});

it('a driver whose probes are never answered keeps no request from showing that a partition has recovered', async () => {
  const source: CommitSource = {
    ...{ partition: 'orders', driver: 'test', connections: 10, completions: undefined },
    probe: () =>
      new Promise((_, reject) => {
        host.time.after(2_000, () => reject(new Error('no answer')));
      }),
  };
  const host = hostOf({ ranks: [order], sources: [source] });
  slow(host, 'explicit');
  expect(host.ask('order')).toMatchObject({ perform: true, reason: 'probe' });
  // Nobody asks for a while: the driver probes.
  for (let at = 0; at < 5_000; at += 50) {
    host.time.advance(50);
    for (let turn = 0; turn < 6; turn++) await null;
  }
  expect(await requests(host, 3_000, 'explicit', 5)).toBeGreaterThan(5);
  expect(host.stateOf('order')).toBe('clear');
});
