import { describe, expect, it } from 'vitest';
import { frame } from '../../../examples/cluster/src/demo/frame.ts';
import { plainLine } from '../../../examples/cluster/src/demo/plain.ts';
import type { Scene } from '../../../examples/cluster/src/demo/scene.ts';
import { paint } from '../../../examples/shop/src/demo/paint.ts';

const scene: Scene = {
  elapsedMs: 21_000,
  headline: 'kill -9 of host-2',
  phases: [{ name: 'a host dies', weight: 6_000, share: 0.5 }],
  hosts: [
    {
      name: 'host-1',
      isUp: true,
      tally: {
        latencyMs: 262.3,
        workTypes: {
          pay: { state: 'clear', performed: 45, retryLater: 0, deferred: 0 },
          order: { state: 'over', performed: 12, retryLater: 3, deferred: 31 },
        },
        settled: 17,
      },
      head: { size: 240, root: 'sc6WvvvvXXXX' },
    },
    { name: 'host-2', isUp: false, tally: undefined, head: undefined },
    { name: 'host-3', isUp: true, tally: undefined, head: undefined },
  ],
  servers: [
    { name: 'nats-1', role: 'leader' },
    { name: 'nats-2', role: 'down' },
    { name: 'nats-3', role: 'up' },
  ],
  streams: [{ name: 'log', messages: 180, bytes: 90_000 }],
  workTypes: ['pay', 'order', 'report'],
  calls: { sent: 300, waiting: 40, deferred: 22 },
  events: [{ atMs: 20_100, tone: 'strong', text: 'kill -9 of host-2' }],
};

describe('the live view of the cluster', () => {
  it('shows what each host and server does, and what the ledger has come to', () => {
    const shown = frame(scene, { columns: 110, rows: 40 })
      .map((line) => paint(line, 500, false))
      .join('\n');
    expect(shown).toMatch(/host-1 +262 ms +● over +● clear +45 +3 +31 +17 +240 sc6Wvvvv/);
    expect(shown).toMatch(/host-2 +✕ down/);
    expect(shown).toMatch(/nats-1 ● leads the log +nats-2 ✕ down +nats-3 ● up/);
    expect(shown).toMatch(/Backlog +22 ■{22}/);
    expect(shown).toContain('20.1 s  kill -9 of host-2');
  });

  it.each([
    [200, 60],
    [80, 24],
    [12, 5],
    [1, 1],
  ])('stays within a terminal of %i columns and %i rows', (columns, rows) => {
    const lines = frame(scene, { columns, rows });
    expect(lines.length).toBeLessThanOrEqual(rows);
    for (const line of lines) expect([...paint(line, columns, false)].length).toBeLessThanOrEqual(columns);
  });

  it('is one line for pipes', () => {
    expect(plainLine(scene)).toBe(
      ' 21.0 s  host-1 262 ms order over, ledger 240 sc6W  host-2 down  host-3 -, ledger -  ' +
        'nats-1 leader nats-2 down nats-3 up  backlog 22  waiting 40',
    );
  });
});
