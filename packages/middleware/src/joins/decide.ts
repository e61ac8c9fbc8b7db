import { systemClock as clock } from '../clock.ts';
import { Admissions } from '../decide/admissions.ts';
import { LearnedRoutes } from '../decide/learned-routes.ts';
import type { ChangingRank } from '../decide/thresholds.ts';
import { sourcesOf } from '../drivers/driver.ts';
import { LatencyTable } from '../measure/latency-table.ts';
import type { GateVoice } from '../options/gate-voice.ts';
import type { ResolvedOptions } from '../options/resolved.ts';

/** Commits, as drivers tell of them, become latency. */
export function measure({ latency }: ResolvedOptions, { trouble }: GateVoice): LatencyTable {
  const onStatisticFailed = (error: unknown): void => trouble('taking the statistic of a window', error);
  const table = new LatencyTable({ clock, ...latency, onStatisticFailed });
  table.subscribe();
  return table;
}

/** What decisions are made with. */
export interface Deciding {
  readonly table: LatencyTable;
  /** The most important first; thresholds change while running. */
  readonly ranks: readonly ChangingRank[];
  readonly admissions: Admissions;
  readonly learned: LearnedRoutes;
}

/** Latency becomes states, and states let requests through. */
export function decide(
  { workTypes, latency, retryAfterCapMs, maxLearnedRoutes }: ResolvedOptions,
  table: LatencyTable,
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
    sourcesOf,
    ...latency,
    retryAfterCapMs,
    random: Math.random,
    onChange: (change) => tell('state', change),
    onOpening,
    onProbeFailed: (partition, error) => trouble(`probing ${partition}`, error),
  });
  table.onFinished((commit) => admissions.count(commit));
  return { table, ranks, admissions, learned: new LearnedRoutes(maxLearnedRoutes) };
}
