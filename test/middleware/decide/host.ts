import { type ManualClock, manualClock } from '@slackwater/test-support/manual-clock';
import { Admissions } from '../../../packages/middleware/src/decide/admissions.ts';
import type {
  AdmissionsSetup,
  ModeChange,
} from '../../../packages/middleware/src/decide/admissions-setup.ts';
import type { Admitted } from '../../../packages/middleware/src/decide/admitted.ts';
import type { WorkTypeRank } from '../../../packages/middleware/src/decide/work-type.ts';
import type { Commit, CommitOutcome, CommitSource } from '../../../packages/middleware/src/drivers/driver.ts';
import {
  LatencyTable,
  type LatencyTableOptions,
} from '../../../packages/middleware/src/measure/latency-table.ts';

/** One host: a latency table and the admissions that go by it, on a clock that is moved by hand. */
export interface Host {
  readonly time: ManualClock;
  readonly table: LatencyTable;
  readonly admissions: Admissions;
  readonly changes: ModeChange[];
  readonly openings: string[];
  /** Asks for a work type by its name. */
  ask(workType: string, partitions?: string | readonly string[], requester?: string): Admitted;
  /** Whether a request of that work type would be let through in this very state. */
  wouldPerform(workType: string, partition?: string): boolean;
  /** The state of a work type. */
  stateOf(workType: string, partition?: string): string;
  /** Begins a commit. */
  begin(partition?: string): Commit;
  /** Ends it now. */
  finish(commit: Commit, outcome?: CommitOutcome): void;
  /** A commit that takes so long, while the clock goes on. */
  commitOf(ms: number, partition?: string): void;
}

export interface HostSetup {
  readonly ranks: readonly WorkTypeRank[];
  readonly sources?: readonly CommitSource[];
  readonly latency?: Partial<LatencyTableOptions>;
  readonly admissions?: Partial<AdmissionsSetup>;
}

export function hostOf({ ranks, sources = [], latency = {}, admissions: more = {} }: HostSetup): Host {
  const time = manualClock();
  const table = new LatencyTable({ clock: time, ...latency });
  const changes: ModeChange[] = [];
  const openings: string[] = [];
  const admissions = new Admissions({
    clock: time,
    ranks,
    measured: table,
    othersOf: undefined,
    sourcesOf: (partition) => sources.filter((source) => source.partition === partition),
    autoThreshold: { tolerance: 4, floorMs: 20, ceilingMs: 250, warmUpMs: 10_000 },
    minSamples: latency.minSamples ?? 5,
    probeEveryMs: 200,
    probeTimeoutMs: 2_000,
    floorOneIn: 20,
    retryAfterCapMs: 30_000,
    maxPartitions: 1_000,
    random: () => 0.5,
    onChange: (change) => changes.push(change),
    onOpening: (partition) => openings.push(partition),
    onProbeFailed: () => {},
    ...more,
  });
  table.onFinished((commit) => admissions.count(commit));
  const begin = (partition = 'orders'): Commit => {
    const commit: Commit = {
      partition,
      kind: 'explicit',
      startedAt: time.now(),
      context: undefined,
      durationMs: 0,
      outcome: undefined,
    };
    table.begin(commit);
    return commit;
  };
  const finish = (commit: Commit, outcome: CommitOutcome = 'committed'): void => {
    commit.durationMs = time.now() - commit.startedAt;
    commit.outcome = outcome;
    table.finish(commit);
  };
  const rankOf = (workType: string): number => {
    const rank = ranks.findIndex(({ name }) => name === workType);
    if (rank === -1) throw new Error(`no work type ${workType}`);
    return rank;
  };
  return {
    time,
    table,
    admissions,
    changes,
    openings,
    ask: (workType, partitions = 'orders', requester) =>
      admissions.ask(rankOf(workType), typeof partitions === 'string' ? [partitions] : partitions, requester),
    wouldPerform: (workType, partition = 'orders') => admissions.wouldPerform(rankOf(workType), partition),
    stateOf: (workType, partition = 'orders') => admissions.modeOf(rankOf(workType), partition),
    begin,
    finish,
    commitOf(ms, partition) {
      const commit = begin(partition);
      time.advance(ms);
      finish(commit);
    },
  };
}

/** A work type that may be postponed. */
export function rank(name: string, priority: number, thresholdMs: number | 'auto'): WorkTypeRank {
  return { name, priority, exempt: false, thresholdMs };
}

/** A work type that may not. */
export function exemptRank(name: string): WorkTypeRank {
  return { name, priority: 1, exempt: true, thresholdMs: undefined };
}

/** Whatever was let through in this state ends without having written. */
export function letGo(admitted: Admitted): void {
  if (admitted.perform) admitted.entry.finished();
}
