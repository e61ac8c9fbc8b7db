import type { NatsCluster } from '@slackwater/test-support/nats';
import type { Figure, Run } from '../benchmark.ts';
import type { Child } from '../child.ts';
import { medianOf, ratios, spreadOf } from '../statistics.ts';
import { inTurn } from '../turns.ts';
import type { HostProcess } from './host-process.ts';
import type { RawProcess } from './raw-process.ts';
import type { Spent } from './spent.ts';

/** As long as the engine's messages are with many callers. */
const longBytes = 48 * 1024;
const longMessages = 100;

/** Who publishes and who accepts. */
export interface Parties {
  readonly cluster: NatsCluster;
  readonly raw: Child<RawProcess>;
  readonly one: Child<HostProcess>;
  readonly other: Child<HostProcess>;
}

/** What something took, one entry for each round. */
interface Account {
  readonly perSecond: number[];
  readonly clientUs: number[];
  readonly serversUs: number[];
}

/**
 * Acceptances against publishes that are acknowledged: how many there are per second, where all share the machine, and what each
 * takes of the processors, which depends less on what else goes on.
 */
export async function acceptances({ quick, progress }: Run, parties: Parties): Promise<readonly Figure[]> {
  const { cluster, raw, one, other } = parties;
  const count = quick ? 2_000 : 3_000;
  progress('warming up');
  // Until the hosts' code is compiled.
  for (let n = 0; n < 2; n++)
    await Promise.all([raw.ask('publish', count), one.ask('accept', count), other.ask('accept', count)]);
  const accounts = new Map<string, Account>();
  /** Does `of` things, and keeps account of what one took. */
  const accounted =
    (name: string, of: number, work: () => Promise<Spent>): (() => Promise<number>) =>
    async () => {
      const before = processorUsOf(cluster);
      const { perSecond, processorUs } = await work();
      const account = accounts.get(name) ?? { perSecond: [], clientUs: [], serversUs: [] };
      accounts.set(name, account);
      account.perSecond.push(perSecond);
      account.clientUs.push(processorUs);
      account.serversUs.push((processorUsOf(cluster) - before) / of);
      return perSecond;
    };
  const both = async (): Promise<Spent> => {
    const spent = await Promise.all([one, other].map((host) => host.ask('accept', count / 2)));
    return {
      perSecond: spent.reduce((sum, { perSecond }) => sum + perSecond, 0),
      processorUs: spent.reduce((sum, { processorUs }) => sum + processorUs, 0) / spent.length,
    };
  };
  await inTurn(
    {
      raw: accounted('raw', count, () => raw.ask('publish', count)),
      long: accounted('long', longMessages, () => raw.ask('publishLong', longMessages, longBytes)),
      one: accounted('one', count, () => one.ask('accept', count)),
      both: accounted('both', count, both),
    },
    quick ? 6 : 12,
    (round) => progress(`accepting, round ${round + 1}`),
  );
  return figuresOf(accounts);
}

function figuresOf(accounts: ReadonlyMap<string, Account>): readonly Figure[] {
  const of = (name: string): Account => accounts.get(name) ?? { perSecond: [], clientUs: [], serversUs: [] };
  const raw = of('raw');
  const rate = (what: string, { perSecond }: Account): Figure => ({
    what: `${what} / publishes that are acknowledged`,
    unit: 'ratio',
    value: spreadOf(ratios(perSecond, raw.perSecond)),
    target: { atLeast: 0.5 },
    note: `${Math.round(medianOf(perSecond))} / ${Math.round(medianOf(raw.perSecond))} per second`,
  });
  const cost = (what: string, its: readonly number[], of: readonly number[]): Figure => ({
    what: `${what} / of a publish`,
    unit: 'ratio',
    value: spreadOf(ratios(its, of)),
    note: `${Math.round(medianOf(its))} / ${Math.round(medianOf(of))} µs`,
  });
  const perKilobyte = of('long').serversUs.map((us) => us / (longBytes / 1_000));
  const rates = [rate('acceptances on one host', of('one')), rate('acceptances on two hosts', of('both'))];
  const hosts = cost('processor time of the host for an acceptance', of('one').clientUs, raw.clientUs);
  // What only Linux tells.
  if (raw.serversUs.some(Number.isNaN)) return [...rates, hosts];
  return [
    ...rates,
    hosts,
    cost('processor time of all servers for an acceptance', of('one').serversUs, raw.serversUs),
    {
      what: 'processor time of all servers for a kilobyte of long messages',
      unit: 'µs',
      value: spreadOf(perKilobyte),
      note: 'messages of 48 KiB, two at a time',
    },
  ];
}

function processorUsOf({ nodes }: NatsCluster): number {
  return nodes.reduce((sum, node) => sum + (node.processorUs() ?? Number.NaN), 0);
}
