import { describe, expect, it } from 'vitest';
import { readArguments } from '../../../examples/shop/src/demo/arguments.ts';
import { chart, latencyBar, markLabels } from '../../../examples/shop/src/demo/bar.ts';
import { frame } from '../../../examples/shop/src/demo/frame.ts';
import { type Line, paint, widthOf } from '../../../examples/shop/src/demo/paint.ts';
import type { DeferralScene, Scene } from '../../../examples/shop/src/demo/scene.ts';

const deferral: DeferralScene = {
  id: '01K0W3T0Z4M8K2V7Q9X5B6N1CD',
  workType: 'order',
  stage: 'performed',
  postponements: 2,
  ageMs: 4_200,
  status: 201,
};

const scene: Scene = {
  elapsedMs: 14_200,
  headline: 'Every commit takes 250 ms more',
  phases: [
    { name: 'healthy', weight: 6_000, share: 1 },
    { name: 'slow', weight: 14_000, share: 0.5 },
    { name: 'healed', weight: 5_000, share: 0 },
  ],
  partitions: [{ name: 'shop', valueMs: 262.3, samples: 64, history: [undefined, 1, 20, 262] }],
  workTypes: [
    {
      name: 'pay',
      rule: 'exempt',
      thresholdMs: undefined,
      state: 'clear',
      performed: 45,
      retryLater: 0,
      deferred: 0,
    },
    {
      name: 'order',
      rule: 'defer',
      thresholdMs: 60,
      state: 'over',
      performed: 30,
      retryLater: 0,
      deferred: 52,
    },
    {
      name: 'report',
      rule: 'retry-later',
      thresholdMs: 40,
      state: 'over',
      performed: 12,
      retryLater: 31,
      deferred: 0,
    },
  ],
  deferrals: { backlog: 38, settled: 14, latest: Array.from({ length: 12 }, () => deferral) },
  calls: { sent: 140, waiting: 60 },
  events: [{ atMs: 6_100, tone: 'bad', text: 'order on shop: clear -> over at 262.3 ms' }],
};

const textOf = (line: Line): string => paint(line, 500, false);
const screen = (columns: number, rows: number): string =>
  frame(scene, { columns, rows }).map(textOf).join('\n');

describe('the live view', () => {
  it('shows latency, state, decisions, backlog and what became of deferrals', () => {
    const shown = screen(100, 40);
    expect(shown).toMatch(/Commit latency of shop: 262 ms/);
    expect(shown).toMatch(/order +defer +● over +30 +0 +52/);
    expect(shown).toMatch(/pay +let through +○ exempt +45 +0 +0/);
    expect(shown).toMatch(/Backlog +38 ■{38}/);
    expect(shown).toMatch(/01K0W3T0Z4M8K2V7Q9X5B6N1CD +order +performed 201 +4.2 s +postponed 2x/);
    expect(shown).toContain('order on shop: clear -> over at 262.3 ms');
  });

  it.each([
    [200, 60],
    [80, 24],
    [40, 12],
    [12, 5],
    [1, 1],
  ])('stays within a terminal of %i columns and %i rows', (columns, rows) => {
    const lines = frame(scene, { columns, rows });
    expect(lines.length).toBeLessThanOrEqual(rows);
    for (const line of lines) expect([...paint(line, columns, false)].length).toBeLessThanOrEqual(columns);
  });

  it('draws the bar past the thresholds that were passed, and their names beneath', () => {
    const marks = [
      { name: 'report', thresholdMs: 10 },
      { name: 'order', thresholdMs: 100 },
    ];
    expect(textOf(latencyBar(32, marks, 30))).toBe('██████████┃████░░░░░│░░░░░░░░░');
    expect(textOf(latencyBar(undefined, marks, 30))).toBe('░░░░░░░░░░│░░░░░░░░░│░░░░░░░░░');
    expect(markLabels(marks, 30).map(textOf)).toEqual([
      '          └ report 10 ms',
      '                └ order 100 ms',
    ]);
  });

  it('draws nothing where no latency is known, and the newest at the right', () => {
    const rows = chart([1, 1_000], [], { width: 4, height: 2 }).map(textOf);
    expect(rows).toEqual(['   █', '  ▁█']);
  });

  it('colours what is told a tone, and nothing where colours are not wanted', () => {
    const line: Line = [['late', 'bad'], [' enough']];
    expect(paint(line, 100, true)).toBe('\u001b[31mlate\u001b[0m enough');
    expect(paint(line, 7, true)).toBe('\u001b[31mlate\u001b[0m en');
    expect(paint(line, 7, false)).toBe('late en');
    expect(widthOf(line)).toBe(11);
  });
});

describe('the command line of the demo', () => {
  it('is understood', () => {
    expect(readArguments([])).toEqual({ mode: 'demo', short: false });
    expect(readArguments(['--serve', '--port', '3000'])).toEqual({ mode: 'serve', port: 3000 });
    expect(readArguments(['--help'])).toEqual({ mode: 'help' });
  });

  it.each([
    [['--fast'], /--fast/],
    [['--serve', '--port', '70000'], /"70000" is no port/],
    [['--port', '3000'], /--port is for --serve/],
    [['--serve', '--short'], /--short is for the demo/],
    [['now'], /now/],
  ])('is refused in one line where it is %j', (given, message) => {
    expect(() => readArguments(given)).toThrow(message);
    expect(() => readArguments(given)).toThrow(/^[^\n]+$/);
  });
});
