import type { Figure, Run } from '../benchmark.ts';
import { startChild } from '../child.ts';
import { scratchFolder } from '../scratch.ts';
import { medianOf, ratios, spreadOf } from '../statistics.ts';
import { inTurn } from '../turns.ts';
import type { Lateness } from './lateness.ts';
import type { SealingProcess } from './sealing-process.ts';

const script = new URL('sealing-process.ts', import.meta.url);
const callers = 256;
const entryBytes = 400;

/** Durable and sealed, beside the same bytes in a plain file. */
export async function measureSealing({ quick, progress }: Run): Promise<readonly Figure[]> {
  const child = startChild<SealingProcess>(script, { folder: scratchFolder(), entryBytes });
  const rounds = quick ? 6 : 12;
  const forMs = quick ? 150 : 600;
  try {
    await child.ask('sealed', callers, forMs);
    progress(`${callers} callers`);
    const many = await inTurn(
      {
        sealed: () => child.ask('sealed', callers, forMs),
        raw: () => child.ask('raw', forMs),
        all: () => child.ask('raw', forMs, callers),
      },
      rounds,
    );
    progress('one caller');
    const one = await inTurn(
      { sealed: () => child.ask('sealed', 1, forMs), raw: () => child.ask('raw', forMs) },
      rounds,
    );
    progress('how late timers come');
    const late = await inTurn(
      {
        busy: () => child.ask('lateness', callers, 2 * forMs),
        idle: () => child.ask('lateness', 0, 2 * forMs),
        beside: () => child.ask('latenessBesideBusy', 2 * forMs),
      },
      rounds,
    );
    await child.ask('end');
    const each = (perSecond: readonly number[]): string => `${Math.round(1e6 / medianOf(perSecond))} µs`;
    return [
      {
        what: `entries of ${entryBytes} bytes sealed by ${callers} callers / raw append + fdatasync of the same batches`,
        unit: 'ratio',
        value: spreadOf(ratios(many.sealed, many.raw)),
        target: { atLeast: 0.4 },
        note: `${Math.round(medianOf(many.sealed))} / ${Math.round(medianOf(many.raw))} per second`,
      },
      {
        what: `the same / raw append + fdatasync of ${callers} entries at a time`,
        unit: 'ratio',
        value: spreadOf(ratios(many.sealed, many.all)),
        note: `${Math.round(medianOf(many.sealed))} / ${Math.round(medianOf(many.all))} per second`,
      },
      {
        what: `entries sealed by ${callers} callers`,
        unit: 'per second',
        value: spreadOf(many.sealed),
        target: { atLeast: 20_000 },
      },
      {
        what: 'time of a lone caller / one raw append + fdatasync',
        unit: 'ratio',
        value: spreadOf(ratios(one.raw, one.sealed)),
        target: { atMost: 3 },
        note: `${each(one.sealed)} / ${each(one.raw)}`,
      },
      ...figuresOfLateness(late),
    ];
  } finally {
    await child.end();
  }
}

function figuresOfLateness(late: Record<'busy' | 'idle' | 'beside', readonly Lateness[]>): readonly Figure[] {
  const us = (of: readonly Lateness[]): readonly number[] => of.map(({ lateUs }) => lateUs);
  const [busy, idle] = [us(late.busy), us(late.idle)];
  const between = late.busy.flatMap(({ betweenTicks }) => betweenTicks ?? []);
  const row = (what: string, values: readonly number[]): Figure => ({
    what,
    unit: 'µs',
    value: spreadOf(values),
  });
  return [
    {
      ...row(
        `delay that ${callers} callers add to the event loop, p99.9`,
        busy.map((value, round) => Math.max(0, value - (idle[round] ?? 0))),
      ),
      target: { atMost: 5_000 },
      note: `${Math.round(medianOf(busy))} / ${Math.round(medianOf(idle))} µs, with and without`,
    },
    row('the same delay, whole, of an idle event loop beside a busy thread for each core', us(late.beside)),
    ...(between.length === 0
      ? []
      : [
          {
            ...row(
              'with the callers, between two ticks of 1 ms: running, p99.9',
              between.map(({ runningUs }) => runningUs),
            ),
            target: { atMost: 5_000 },
          },
          row(
            'could have run and had no core, p99.9',
            between.map(({ waitingUs }) => waitingUs),
          ),
          row(
            'waited for another thread, p99.9',
            between.map(({ blockedUs }) => blockedUs),
          ),
        ]),
  ];
}
