import { join } from 'node:path';
import type { Figure, Run } from '../benchmark.ts';
import { startChild } from '../child.ts';
import type { Panel, SeriesPicture } from '../pictures/series-picture.ts';
import { scratchFolder } from '../scratch.ts';
import { medianOf, once, spreadOf } from '../statistics.ts';
import type { GrowingProcess } from './growing-process.ts';

const script = new URL('growing-process.ts', import.meta.url);
const entryBytes = 100;
const least = 10_000;
const proofsPerRound = 100;

interface Sample {
  readonly size: number;
  readonly bytes: number;
  readonly proofUs: readonly number[];
  readonly startMs: readonly number[];
}

/** What a proof, a start and the disk take as a ledger grows, tenfold each time. */
export async function measureGrowing(run: Run): Promise<readonly Figure[]> {
  const { quick, progress } = run;
  const most = run.entries ?? (quick ? 100_000 : 1_000_000);
  const child = startChild<GrowingProcess>(script, { folder: join(scratchFolder(), 'growing'), entryBytes });
  const samples: Sample[] = [];
  try {
    for (let size = least; size <= most; size *= 10) {
      await growTo(child, size, progress);
      const bytes = (await child.ask('bytes')) / size;
      progress(`asking ${size.toLocaleString('en')} entries`);
      const rounds = Array.from({ length: quick ? 6 : 12 });
      const startMs: number[] = [];
      for (const _ of rounds) startMs.push(await child.ask('startMs'));
      const proofUs: number[] = [];
      for (const _ of rounds) proofUs.push(await child.ask('proofUs', proofsPerRound));
      samples.push({ size, bytes, proofUs, startMs });
    }
    await child.ask('end');
  } finally {
    await child.end();
  }
  run.tell({ pictures: [pictureOf(samples)] });
  return samples.flatMap((sample) => figuresOf(sample));
}

/** In steps, so that it can be told how far it is. */
async function growTo(
  child: ReturnType<typeof startChild<GrowingProcess>>,
  size: number,
  progress: Run['progress'],
): Promise<void> {
  const steps = Math.max(1, Math.ceil(size / 100_000));
  for (let step = 1; step <= steps; step++) {
    progress(`growing to ${size.toLocaleString('en')} entries: ${Math.round((100 * step) / steps)} %`);
    await child.ask('growTo', Math.round((size * step) / steps));
  }
}

function figuresOf({ size, bytes, proofUs, startMs }: Sample): readonly Figure[] {
  const among = `of ${size.toLocaleString('en')} entries`;
  return [
    {
      what: `a proof for any entry ${among}`,
      unit: 'µs',
      value: spreadOf(proofUs),
      target: { atMost: 1_000 },
      note: 'read from the log, proved, checked, written as a receipt',
    },
    {
      what: `start-up with a ledger ${among}`,
      unit: 'µs',
      value: spreadOf(startMs.map((ms) => ms * 1_000)),
      target: { atMost: 1_000_000 },
    },
    {
      what: `bytes on the disk for each ${among}`,
      unit: 'bytes',
      value: once(bytes),
      note: `entries of ${entryBytes} bytes, with tree and blocks, one for each 1,000`,
    },
  ];
}

function pictureOf(samples: readonly Sample[]): SeriesPicture {
  const panel = (title: string, of: (sample: Sample) => number, bound: { bound?: number } = {}): Panel => ({
    ...{ title, ...bound, x: samples.map(({ size }) => size) },
    series: [{ label: 'median', as: 'dots', tone: 'fair', y: samples.map(of) }],
  });
  return {
    ...{ kind: 'series', name: 'ledger-growth', title: 'What costs as a ledger grows' },
    ...{ x: { label: 'entries', scale: 'logarithmic' } },
    panels: [
      panel('a proof for any entry, µs', ({ proofUs }) => medianOf(proofUs), { bound: 1_000 }),
      panel('start-up, ms', ({ startMs }) => medianOf(startMs), { bound: 1_000 }),
      panel('bytes on the disk for each entry', ({ bytes }) => bytes),
    ],
  };
}
