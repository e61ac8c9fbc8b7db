import { createKeyFile } from '@slackwater/middleware';
import { startNatsCluster } from '@slackwater/test-support/nats';
import type { Benchmark, Figure, Run } from '../benchmark.ts';
import { type Child, startChild } from '../child.ts';
import { medianOf, spreadOf } from '../statistics.ts';
import { acceptances } from './acceptances.ts';
import type { HostProcess, Place } from './host-process.ts';
import type { RawProcess } from './raw-process.ts';

const hostScript = new URL('host-process.ts', import.meta.url);
const rawScript = new URL('raw-process.ts', import.meta.url);

/** The engine that hosts share, on three NATS servers. */
export const shared: Benchmark = {
  name: 'shared',
  title: 'hosts that share a ledger on three NATS servers / the servers alone',
  async measure(run) {
    run.progress('starting three NATS servers');
    const cluster = await startNatsCluster();
    const keys = Buffer.from(createKeyFile({ application: 'bench', group: 'main' })).toString('utf8');
    const place: Place = { servers: cluster.servers, keys };
    const raw = startChild<RawProcess>(rawScript, { servers: cluster.servers });
    const hosts = [place, place].map((each) => startChild<HostProcess>(hostScript, each));
    try {
      const [one, other] = hosts;
      if (one === undefined || other === undefined) throw new Error('There are no hosts.');
      return [
        ...(await acceptances(run, { cluster, raw, one, other })),
        ...(await elsewhere(run, one, other)),
        await memory(run, place, one),
      ];
    } finally {
      await Promise.all([raw, ...hosts].map((child) => child.end()));
      await cluster.stop();
    }
  },
};

async function elsewhere(
  { quick, progress }: Run,
  one: Child<HostProcess>,
  other: Child<HostProcess>,
): Promise<readonly Figure[]> {
  progress('reading on another host');
  const [read, prove]: [number[], number[]] = [[], []];
  for (let n = 0; n < (quick ? 10 : 100); n++) {
    const id = await one.ask('acceptOne');
    read.push(await other.ask('readUs', id));
    prove.push(await other.ask('proveUs', id));
  }
  return [
    { what: 'reading on another host what was accepted just now', unit: 'µs', value: spreadOf(read) },
    {
      what: 'proving it there, with the block that it takes over for that',
      unit: 'µs',
      value: spreadOf(prove),
    },
  ];
}

/**
 * What the indexes of a host take that starts with a backlog: how much more it is with a large one than with one that is not
 * small. What a process takes by itself, whatever it follows, is in both.
 */
async function memory({ quick, progress }: Run, place: Place, one: Child<HostProcess>): Promise<Figure> {
  const [few, many] = quick ? [5_000, 25_000] : [20_000, 120_000];
  const before = await grownBy(few);
  const after = await grownBy(many - few);
  return {
    what: `memory of the local indexes, for a million queued deferrals: from what ${shown(many - few)} more take`,
    unit: 'bytes',
    value: spreadOf(after.map((bytes, i) => ((bytes - (before[i] ?? 0)) / (many - few)) * 1_000_000)),
    note: `${mebibytes(before)} MiB with ${shown(few)}, ${mebibytes(after)} MiB with ${shown(many)}; the rest is on the temporary disk`,
  };

  /** Memory of fresh hosts, with so many more. */
  async function grownBy(count: number): Promise<number[]> {
    progress(`deferring ${shown(count)} more`);
    await one.ask('accept', count);
    const samples: number[] = [];
    for (let n = 0; n < 6; n++) {
      progress(`starting a host with that backlog, ${n + 1} of 6`);
      const late = startChild<HostProcess>(hostScript, place);
      try {
        samples.push(await late.ask('memory'));
      } finally {
        await late.end();
      }
    }
    return samples;
  }
}

const shown = (count: number): string => count.toLocaleString('en');
const mebibytes = (samples: readonly number[]): string => (medianOf(samples) / 1024 ** 2).toFixed(0);
