import { randomUUID } from 'node:crypto';
import { type Clock, systemClock } from '../clock.ts';
import { Admissions } from '../decide/admissions.ts';
import { LearnedRoutes } from '../decide/learned-routes.ts';
import { ShadowTally } from '../decide/shadow-tally.ts';
import type { ChangingRank } from '../decide/thresholds.ts';
import { type CommitSource, sourcesOf } from '../drivers/driver.ts';
import { LatencyTable } from '../measure/latency-table.ts';
import { type Sharing, shareLatency } from '../measure/share-latency.ts';
import type { GateVoice } from '../options/gate-voice.ts';
import type { ResolvedOptions } from '../options/resolved.ts';

/** One name for all gates of this process: they see the same commits, and are one host to others. */
const host = randomUUID();

/** What measuring and deciding stand on. */
export interface Ground {
  readonly clock: Clock;
  /** From 0 up to, not including, 1. */
  readonly random: () => number;
  /** The sources of a partition's commits. */
  readonly sourcesOf: (partition: string) => readonly CommitSource[];
  /** Whether the table listens to the drivers of this process; else it is fed directly. */
  readonly subscribes: boolean;
}

/** The ground of a gate. A simulated host has another. */
export const thisProcess: Ground = {
  clock: systemClock,
  random: Math.random,
  sourcesOf,
  subscribes: true,
};

/** What is known of latency. */
export interface Measuring {
  readonly table: LatencyTable;
  /** What other hosts say; undefined where hosts do not share. */
  readonly sharing: Sharing | undefined;
}

/** Commits, as drivers tell of them, become latency. */
export function measure(
  { latency, shareLatency: shares, ledger }: ResolvedOptions,
  { trouble }: Pick<GateVoice, 'trouble'>,
  { clock, subscribes }: Ground = thisProcess,
): Measuring {
  const onStatisticFailed = (error: unknown): void => trouble('taking the statistic of a window', error);
  const onFault = (error: Error): void => trouble('counting a commit', error);
  const table = new LatencyTable({ clock, ...latency, onStatisticFailed, onFault });
  if (subscribes) table.subscribe();
  const onTrouble = (error: unknown): void => trouble('sharing latency with other hosts', error);
  const timeoutMs = ledger.engineTimeoutMs;
  const sharing = shares ? shareLatency({ clock, table, host, timeoutMs, onTrouble }) : undefined;
  return { table, sharing };
}

/** What decisions are made with. */
export interface Deciding extends Measuring {
  /** The most important first; thresholds change while running. */
  readonly ranks: readonly ChangingRank[];
  readonly admissions: Admissions;
  readonly shadow: ShadowTally;
  readonly learned: LearnedRoutes;
}

/** Latency becomes states, and states let requests through. */
export function decide(
  {
    workTypes,
    latency,
    autoThreshold,
    retryAfterCapMs,
    maxLearnedRoutes,
    maxLearnedRouteAgeMs,
  }: ResolvedOptions,
  { table, sharing }: Measuring,
  { tell, trouble }: Pick<GateVoice, 'tell' | 'trouble'>,
  onOpening: (partition: string) => void,
  { clock, random, sourcesOf }: Ground = thisProcess,
): Deciding {
  const ranks = workTypes.map(({ name, priority, exempt, thresholdMs, shadow }) => {
    return { name, priority, exempt, thresholdMs, shadow };
  });
  const admissions = new Admissions({
    clock,
    ranks,
    measured: table,
    othersOf: sharing?.valueOf,
    sourcesOf,
    ...latency,
    autoThreshold,
    retryAfterCapMs,
    random,
    onChange: (change) => tell('state', change),
    onOpening,
    onProbeFailed: (partition, error) => trouble(`probing ${partition}`, error),
  });
  const shadow = new ShadowTally();
  table.keepWhile((partition) => admissions.isTroubled(partition));
  table.onFinished((commit) => {
    admissions.count(commit);
    const shadowOf = commit.context?.shadowOf;
    if (shadowOf !== undefined) shadow.committed(shadowOf, commit.durationMs);
  });
  const learned = new LearnedRoutes({ clock, maxRoutes: maxLearnedRoutes, maxAgeMs: maxLearnedRouteAgeMs });
  return { table, sharing, ranks, admissions, shadow, learned };
}
