import { join } from 'node:path';
import type { Figure, Run } from '../../benchmark.ts';
import { type Child, startChild } from '../../child.ts';
import { scratchFolder } from '../../scratch.ts';
import { fewestSamples, once, spreadOf } from '../../statistics.ts';
import { inTurn } from '../../turns.ts';
import type { LogProcess } from './log-process.ts';

/** How the ledger is called in the table. */
export const ours = 'Slackwater, sealed';
const callers = 256;
const perBatch = 256;
const costsOf = 200;

const logs = {
  [ours]: 'durable: fsync before the answer; each entry in a signed block',
  'hypercore, synced by us': 'durable: fdatasync of its log after an append, shared by those who wait',
  hypercore: 'not durable: given to the system, lost with its power',
} as const;

type LogName = keyof typeof logs;
const names = Object.keys(logs) as LogName[];
/** What no sync changes is asked of it once. */
const alike: readonly LogName[] = [ours, 'hypercore'];

/** Our ledger and hypercore, the nearest log in JavaScript that proves what is in it. */
export async function measureBesideHypercore({ quick, progress, tell }: Run): Promise<readonly Figure[]> {
  const entries = quick ? 3_000 : 10_000;
  const forMs = quick ? 150 : 600;
  const rounds = quick ? fewestSamples : 8;
  const among = `of ${entries.toLocaleString('en')}`;
  const children = startAll();
  tell({
    settings: {
      'entries beside hypercore': 'some 360 bytes of JSON, an accepted deferral',
      hypercore: 'as it comes, one log in a folder, which it keeps in RocksDB; no peers',
    },
  });
  const take = <Sample>(
    who: readonly LogName[],
    what: string,
    ask: (child: Child<LogProcess>) => Promise<Sample>,
  ) => {
    const takes = who.map((name) => [name, () => ask(children[name])] as const);
    return inTurn(Object.fromEntries(takes) as Record<LogName, () => Promise<Sample>>, rounds, (round) =>
      progress(`${what}, round ${round + 1} of ${rounds}`),
    );
  };
  try {
    const one = await take(names, 'appending', (child) => child.ask('appendOne', callers, forMs));
    const many = await take(names, 'appending batches', (child) => child.ask('appendMany', perBatch, forMs));
    for (const name of alike) await children[name].ask('fill', entries);
    const costs = await take(alike, 'proving', (child) => child.ask('costsUs', costsOf));
    const whole = await take(alike, 'verifying all', (child) => child.ask('verifyAll'));
    const opening = await take(alike, 'opening', (child) => child.ask('openMs'));
    const rate = (what: string, who: readonly LogName[], by: Record<LogName, number[]>): Figure[] =>
      who.map((name) => ({
        ...{ who: name, what, unit: 'per second', better: 'more' },
        ...{ value: spreadOf(by[name]), note: logs[name] },
      }));
    const time = (what: string, unit: 'µs' | 'ms', of: (name: LogName) => readonly number[]): Figure[] =>
      alike.map((name) => ({ who: name, what, unit, better: 'less', value: spreadOf(of(name)) }));
    const figures = [
      ...rate(`appended by ${callers} callers`, names, one),
      ...rate(`appended in batches of ${perBatch}`, names, many),
      ...time(`reading an entry ${among}`, 'µs', (name) => costs[name].map(({ read }) => read)),
      ...time(`proving it`, 'µs', (name) => costs[name].map(({ prove }) => prove)),
      ...time(`verifying the proof`, 'µs', (name) => costs[name].map(({ verify }) => verify)),
      ...rate('verified, all that is stored', alike, whole),
      ...time('opening', 'ms', (name) => opening[name]),
    ];
    for (const name of alike) {
      const bytes = await children[name].ask('bytesEach');
      figures.push({
        ...{ who: name, what: 'on the disk, each', unit: 'bytes', better: 'less' },
        value: once(bytes),
      });
    }
    return figures;
  } finally {
    await Promise.all(names.map((name) => children[name].end()));
  }
}

function startAll(): Record<LogName, Child<LogProcess>> {
  const start = (file: string, place: unknown) =>
    startChild<LogProcess>(new URL(file, import.meta.url), place);
  const folder = scratchFolder();
  return {
    [ours]: start('our-log-process.ts', join(folder, 'ours')),
    'hypercore, synced by us': start('hypercore-process.ts', {
      folder: join(folder, 'synced'),
      synced: true,
    }),
    hypercore: start('hypercore-process.ts', { folder: join(folder, 'hypercore'), synced: false }),
  };
}
