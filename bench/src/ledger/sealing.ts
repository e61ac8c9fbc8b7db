import type { Figure, Run } from '../benchmark.ts';
import { startChild } from '../child.ts';
import { scratchFolder } from '../scratch.ts';
import { medianOf, ratios, spreadOf } from '../statistics.ts';
import { inTurn } from '../turns.ts';
import type { SealingProcess } from './sealing-process.ts';

const script = new URL('sealing-process.ts', import.meta.url);
const callers = 256;
const entryBytes = 400;

/** Durable and sealed, beside the same bytes in a plain file. */
export async function measureSealing({ quick, progress }: Run): Promise<readonly Figure[]> {
  const child = startChild<SealingProcess>(script, { folder: scratchFolder(), entryBytes });
  const rounds = quick ? 6 : 16;
  const forMs = quick ? 150 : 600;
  try {
    await child.ask('sealed', callers, forMs);
    progress(`${callers} callers`);
    const many = await inTurn(
      { sealed: () => child.ask('sealed', callers, forMs), raw: () => child.ask('raw', forMs) },
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
        busy: () => child.ask('latenessUs', callers, 2 * forMs),
        idle: () => child.ask('latenessUs', 0, 2 * forMs),
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
      {
        what: `delay that ${callers} callers add to the event loop, p99.9`,
        unit: 'µs',
        value: spreadOf(late.busy.map((us, round) => Math.max(0, us - (late.idle[round] ?? 0)))),
        target: { atMost: 5_000 },
        note: `${Math.round(medianOf(late.busy))} / ${Math.round(medianOf(late.idle))} µs, with and without`,
      },
    ];
  } finally {
    await child.end();
  }
}
