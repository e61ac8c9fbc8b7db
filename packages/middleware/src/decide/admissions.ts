import type { Timer } from '../clock.ts';
import type { Commit } from '../drivers/driver.ts';
import type { AdmissionsSetup, LearnedThresholds } from './admissions-setup.ts';
import { type Admitted, admitted } from './admitted.ts';
import { autoBounds } from './auto-threshold.ts';
import { together } from './entry.ts';
import { KnownPartitions } from './known-partitions.ts';
import type { Mode } from './mode.ts';
import { PartitionAdmission } from './partition-admission.ts';
import type { ReturnFigures } from './return-share.ts';
import { ReturningCallers } from './returning-callers.ts';
import type { Stance } from './stance.ts';
import { strainOf } from './strain.ts';

/** The states of all work types on all partitions of this host, and those who are let through or postponed. */
export class Admissions {
  readonly #setup: AdmissionsSetup;
  readonly #partitions: KnownPartitions;
  readonly #troubled = new Set<PartitionAdmission>();
  readonly #returning = new ReturningCallers();
  /** By rank: a latency within it is over the threshold on no partition. Whole ms, which are compared without allocating. */
  #surelyClear: readonly number[];
  readonly #make: (partition: string) => PartitionAdmission;
  #timer: Timer | undefined;
  #closed = false;

  constructor(setup: AdmissionsSetup) {
    this.#setup = setup;
    this.#make = (partition) => new PartitionAdmission(partition, setup);
    this.#partitions = new KnownPartitions(setup.maxPartitions, (partition) =>
      this.#troubled.delete(partition),
    );
    this.#surelyClear = lowestThresholds(setup);
  }

  /**
   * Asks for a request to be performed now; it is, only if all of its partitions take it. One that may not is
   * counted as waiting at the partition that postpones it.
   *
   * @param rank index of its work type
   * @param requester who it is made for, the empty text for all whom nobody knows. Undefined where that was not asked: then it is held back in
   * nobody's favour
   * @param takesTurn false: it does not go because its work type has waited for long; that is left to others
   */
  ask(rank: number, partitions: readonly string[], requester?: string, takesTurn = true): Admitted {
    if (this.#setup.ranks[rank]?.exempt === true) return admitted.exempt;
    if (this.#closed) return admitted.clear;
    if (partitions.length === 0) return admitted.unknown;
    const only = partitions[0];
    if (partitions.length === 1 && only !== undefined) {
      if (this.#isQuiet(rank, only)) return admitted.clear;
      const partition = this.#of(only);
      return partition.isCalm(rank) ? admitted.clear : this.#askAll(rank, [partition], requester, takesTurn);
    }
    const asked = [...new Set(partitions)].map((partition) => this.#of(partition));
    return this.#askAll(rank, asked, requester, takesTurn);
  }

  /** Whether one of them does not let everything through, so that it matters who asks. */
  areLimited(partitions: readonly string[]): boolean {
    return partitions.some((name) => this.#partitions.isUneasy(name) && this.isTroubled(name));
  }

  /** A commit has finished and was counted by the latency table. */
  count(commit: Commit): void {
    const partition = this.#of(commit.partition);
    partition.count(commit);
    this.#partitions.note(partition);
  }

  /**
   * How long a caller that is postponed there should stay away, whole ms.
   *
   * @param name by which it will be recognised when it comes back; undefined where there is none
   */
  retryAfterMs(rank: number, partition: string, name?: string): number {
    const waitMs = this.#of(partition).retryAfterMs(rank);
    this.#returning.tell(name, partition, this.#setup.clock.now() + waitMs);
    return waitMs;
  }

  /** Whether callers that were asked to come back may be among those who arrive. */
  get expectsReturns(): boolean {
    return this.#returning.expects;
  }

  /**
   * Notes what became of a request that may be postponed: it may be of a caller that was asked to come back. True where it was
   * recognised by its name, and not before its time.
   *
   * @param rank index of its work type
   * @param succeeded it was let through, or deferred
   */
  arrived(
    rank: number,
    partitions: readonly string[],
    name: string | undefined,
    succeeded: boolean,
  ): boolean {
    const now = this.#setup.clock.now();
    const expectedAt = this.#returning.take(name, now);
    for (const partition of expectedAt === undefined ? partitions : [expectedAt]) {
      const known = this.#partitions.get(partition);
      const isOver = known?.modeOf(rank).kind === 'over';
      if (expectedAt === undefined) known?.returns.arrived(succeeded, isOver, now);
      else known?.returns.returned(succeeded, isOver, now);
    }
    return expectedAt !== undefined;
  }

  /** How those fared who were asked to come back to a partition; undefined where nothing is known of it. */
  returnsOf(partition: string): ReturnFigures | undefined {
    return this.#partitions.get(partition)?.returns.figures(this.#setup.clock.now());
  }

  /** How long until asking again makes sense, ms. */
  askAgainInMs(rank: number, partition: string): number {
    return this.#of(partition).askAgainInMs(rank);
  }

  /** Whether every work type that may be postponed would be, there and now. */
  isClosed(partition: string): boolean {
    const { ranks } = this.#setup;
    const asked = this.#of(partition);
    const isClosed = ranks.every(({ exempt }, rank) => exempt || !asked.judge(rank).perform);
    this.#partitions.note(asked);
    return isClosed;
  }

  /** Whether a request of that work type would be performed, there and now. */
  wouldPerform(rank: number, partition: string): boolean {
    if (this.#setup.ranks[rank]?.exempt === true) return true;
    const asked = this.#of(partition);
    const { perform } = asked.judge(rank);
    this.#partitions.note(asked);
    return perform;
  }

  /** Where a work type stands on a partition; undefined where nobody was judged for it there. */
  stanceOf(rank: number, partition: string): Stance | undefined {
    return this.#partitions.get(partition)?.stanceOf(rank);
  }

  /** Whether some work type is not clear there, as it was last looked at. */
  isTroubled(partition: string): boolean {
    return this.#partitions.get(partition)?.troubled === true;
  }

  /** How near a partition is to postponing work; see {@link strainOf}. From 1 on some work is over. */
  strainOn(partition: string): number {
    return strainOf(this.#setup.ranks.map((_, rank) => this.stanceOf(rank, partition)));
  }

  /** The state of a work type on a partition, as it was last looked at. */
  modeOf(rank: number, partition: string): Mode['kind'] {
    return this.#partitions.get(partition)?.modeOf(rank).kind ?? 'clear';
  }

  /** The states of all work types on a partition, by name, as they were last looked at. */
  statesOf(partition: string): Readonly<Record<string, Mode['kind']>> {
    return Object.fromEntries(
      this.#setup.ranks.map(({ name }, rank) => [name, this.modeOf(rank, partition)]),
    );
  }

  /**
   * What a partition has taught of latency, where a work type's threshold is `auto`: its baseline, ms, absent before anything was
   * learned, and the present thresholds of these work types, ms, by name.
   */
  learnedOf(partition: string): LearnedThresholds | undefined {
    const thresholds = this.#partitions.get(partition)?.thresholds;
    if (thresholds === undefined || !thresholds.learns) return undefined;
    const { baselineMs } = thresholds;
    const present = this.#setup.ranks.flatMap(({ name, thresholdMs }, rank) =>
      thresholdMs === 'auto' ? [[name, thresholds.of(rank)] as const] : [],
    );
    return { ...(baselineMs !== undefined && { baselineMs }), thresholdsMs: Object.fromEntries(present) };
  }

  /** The present threshold of a work type on a partition, ms. */
  thresholdOf(rank: number, partition: string): number {
    return this.#of(partition).thresholds.of(rank);
  }

  /** The present `auto` thresholds of a work type, ms, by partition, those first that were judged for first. */
  thresholdsOf(rank: number): ReadonlyMap<string, number> {
    const present = new Map<string, number>();
    for (const { partition, thresholds } of this.#partitions.values()) {
      present.set(partition, thresholds.of(rank));
    }
    return present;
  }

  /** The thresholds have changed: states are looked at anew. */
  thresholdsChanged(): void {
    this.#surelyClear = lowestThresholds(this.#setup);
    for (const partition of this.#partitions.values()) {
      partition.rankAgain();
      this.#partitions.note(partition);
      this.#attend(partition);
    }
  }

  /** Ends what goes on by itself; from then on everything is let through. */
  close(): void {
    this.#closed = true;
    this.#timer?.cancel();
    this.#troubled.clear();
  }

  /**
   * Whether a work type is clear on a partition of which nothing is known but quick commits. That is how it mostly is, so it takes one
   * look, however many partitions there are.
   */
  #isQuiet(rank: number, partition: string): boolean {
    const { measured, othersOf } = this.#setup;
    if (othersOf !== undefined || this.#partitions.isUneasy(partition)) return false;
    return measured.isWithin(partition, this.#surelyClear[rank] ?? 0);
  }

  #askAll(
    rank: number,
    partitions: readonly PartitionAdmission[],
    requester: string | undefined,
    takesTurn: boolean,
  ): Admitted {
    let judged = partitions.map((partition) => ({ partition, verdict: partition.receive(rank, requester) }));
    for (const { partition } of judged) {
      this.#partitions.note(partition);
      this.#attend(partition);
    }
    const refusing = judged.filter(({ verdict }) => !verdict.perform);
    if (refusing.length > 0 && takesTurn) {
      // Only where all of them would take it: none opens a place for what another postpones.
      if (refusing.every(({ partition }) => partition.isTurnOf(rank, requester))) {
        for (const { partition } of refusing) partition.openFor(rank);
        judged = judged.map(({ partition, verdict }) =>
          verdict.perform ? { partition, verdict } : { partition, verdict: partition.judge(rank) },
        );
      }
    }
    for (const { partition, verdict } of judged) {
      if (verdict.perform) continue;
      partition.postpone(rank, verdict, requester);
      return { ...verdict, perform: false, partition: partition.partition };
    }
    const deciding = judged.find(({ verdict }) => verdict.reason !== 'clear')?.verdict.reason ?? 'clear';
    if (deciding === 'clear') return admitted.clear;
    const entries = judged.map(({ partition, verdict }) => partition.enter(rank, verdict, requester));
    return { perform: true, reason: deciding, entry: together(entries) };
  }

  #of(partition: string): PartitionAdmission {
    return this.#partitions.of(partition, this.#make);
  }

  /** Looks after a partition until it is clear again, requests or not. */
  #attend(partition: PartitionAdmission): void {
    if (this.#closed || !partition.troubled) return;
    this.#troubled.add(partition);
    this.#timer ??= this.#setup.clock.after(this.#setup.probeEveryMs / 4, () => this.#tick());
  }

  #tick(): void {
    this.#timer = undefined;
    const now = this.#setup.clock.now();
    for (const partition of this.#troubled) {
      partition.look(now);
      this.#partitions.note(partition);
      if (partition.troubled) partition.probeIfAlone(now);
      else this.#troubled.delete(partition);
    }
    const [next] = this.#troubled;
    if (next !== undefined) this.#attend(next);
  }
}

function lowestThresholds({
  ranks,
  autoThreshold,
}: Pick<AdmissionsSetup, 'ranks' | 'autoThreshold'>): readonly number[] {
  const bounds = autoBounds(ranks, autoThreshold);
  return ranks.map(({ thresholdMs }, at) =>
    Math.floor(bounds[at]?.lowestMs ?? (typeof thresholdMs === 'number' ? thresholdMs : 0)),
  );
}
