import { randomUUID } from 'node:crypto';
import { systemClock as clock } from '../clock.ts';
import { Admissions } from '../decide/admissions.ts';
import { LearnedRoutes } from '../decide/learned-routes.ts';
import type { ChangingRank } from '../decide/thresholds.ts';
import { sourcesOf } from '../drivers/driver.ts';
import { LatencyTable } from '../measure/latency-table.ts';
import { type Sharing, shareLatency } from '../measure/share-latency.ts';
import type { GateVoice } from '../options/gate-voice.ts';
import type { ResolvedOptions } from '../options/resolved.ts';

/** One name for all gates of this process: they see the same commits, and are one host to others. */
const host = randomUUID();

/** What is known of latency. */
export interface Measuring {
  readonly table: LatencyTable;
  /** What other hosts say; undefined where hosts do not share. */
  readonly sharing: Sharing | undefined;
}

/** Commits, as drivers tell of them, become latency. */
export function measure(
  { latency, shareLatency: shares, ledger }: ResolvedOptions,
  { trouble }: GateVoice,
): Measuring {
  const onStatisticFailed = (error: unknown): void => trouble('taking the statistic of a window', error);
  const table = new LatencyTable({ clock, ...latency, onStatisticFailed });
  table.subscribe();
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
  readonly learned: LearnedRoutes;
}

/** Latency becomes states, and states let requests through. */
export function decide(
  { workTypes, latency, retryAfterCapMs, maxLearnedRoutes }: ResolvedOptions,
  { table, sharing }: Measuring,
  { tell, trouble }: GateVoice,
  onOpening: (partition: string) => void,
): Deciding {
  const ranks = workTypes.map(({ name, priority, exempt, thresholdMs }) => {
    return { name, priority, exempt, thresholdMs };
  });
  const admissions = new Admissions({
    clock,
    ranks,
    measured: table,
    othersOf: sharing?.valueOf ?? (() => Number.NaN),
    sourcesOf,
    ...latency,
    retryAfterCapMs,
    random: Math.random,
    onChange: (change) => tell('state', change),
    onOpening,
    onProbeFailed: (partition, error) => trouble(`probing ${partition}`, error),
  });
  table.onFinished((commit) => admissions.count(commit));
  return { table, sharing, ranks, admissions, learned: new LearnedRoutes(maxLearnedRoutes) };
}
