import type { Commit } from '../drivers/driver.ts';
import type { AdmissionsSetup } from './admissions-setup.ts';
import { decide, floor, requesterShare, type Standing, type Verdict } from './decide.ts';
import { type Entry, uncounted } from './entry.ts';
import { Floors } from './floors.ts';
import type { Mode } from './mode.ts';
import { PartitionModes } from './partition-modes.ts';
import type { Place } from './place.ts';
import { ProbeSlot } from './probe-slot.ts';
import { SharedPlaces } from './shared-places.ts';
import { SourceProbe } from './source-probe.ts';
import { type Stance, shownMs } from './stance.ts';
import { VirtualQueue } from './virtual-queue.ts';
import { lastEqual, ranksAhead } from './work-type.ts';

const nobody: readonly never[] = Object.freeze([]);

const clear: Verdict = { perform: true, reason: 'clear' };

/**
 * Who is let through on one partition, and who is unfinished of those that were let through while it was over or
 * recovering. It does what pure functions say: `decide.ts` judges by where every work type stands.
 */
export class PartitionAdmission {
  readonly partition: string;
  /** It was named more than once of late: no name that somebody made up. */
  namedAgain = false;
  readonly #setup: AdmissionsSetup;
  readonly #modes: PartitionModes;
  readonly #queue: VirtualQueue;
  #ahead: readonly (readonly number[])[];
  readonly #unfinished: number[];
  /** When work of that rank was last postponed here. */
  readonly #wantedAt: number[];
  readonly #slot: ProbeSlot;
  readonly #source: SourceProbe;
  readonly #floors: Floors;
  readonly #places: SharedPlaces;

  constructor(partition: string, setup: AdmissionsSetup) {
    this.partition = partition;
    this.#setup = setup;
    const { ranks, clock } = setup;
    this.#modes = new PartitionModes(partition, setup, () => this.#source.forget());
    this.#queue = new VirtualQueue(setup);
    this.#ahead = aheadOf(setup);
    this.#unfinished = ranks.map(() => 0);
    this.#wantedAt = ranks.map(() => Number.NEGATIVE_INFINITY);
    this.#slot = new ProbeSlot(setup.probeEveryMs, setup.probeTimeoutMs);
    this.#floors = new Floors(setup.floorOneIn, setup.probeEveryMs, setup.probeTimeoutMs);
    this.#places = new SharedPlaces(setup);
    this.#source = new SourceProbe(partition, setup, this.#slot, (result) =>
      this.#modes.learnFromProbe(result, clock.now()),
    );
  }

  /** Whether nothing is to be remembered of it. */
  get calm(): boolean {
    return this.#modes.calm;
  }

  /** Whether some work type is not clear, so that somebody must look after it. */
  get troubled(): boolean {
    return this.#modes.troubled;
  }

  modeOf(rank: number): Mode {
    return this.#modes.of(rank);
  }

  /** Those who were told to come back here. */
  get returns(): Pick<VirtualQueue, 'arrived' | 'returned' | 'figures'> {
    return this.#queue;
  }

  /** At which latency work types are over, here. */
  get thresholds(): PartitionModes['thresholds'] {
    return this.#modes.thresholds;
  }

  /** The thresholds have changed. */
  rankAgain(): void {
    this.#ahead = aheadOf(this.#setup);
    this.#modes.rankAgain(this.#setup.clock.now());
  }

  /** Whether a work type is clear without a closer look. */
  isCalm(rank: number): boolean {
    return this.#modes.isCalm(rank);
  }

  /** Judges a request of a work type. Changes nothing but what time and latency have changed already. */
  judge(rank: number): Verdict {
    if (this.#modes.isCalm(rank)) return clear;
    const now = this.#setup.clock.now();
    this.look(now);
    const ahead = this.#aheadOf(rank).map((other) => this.#standing(other, now));
    return decide(this.#standing(rank, now), ahead);
  }

  /** Where a work type stands, for people to read. */
  stanceOf(rank: number): Stance {
    const { ranks } = this.#setup;
    const unclear = this.calm
      ? nobody
      : this.#aheadOf(rank).filter((other) => this.modeOf(other).kind !== 'clear');
    return {
      valueMs: shownMs(this.#modes.valueOf(rank)),
      thresholdMs: shownMs(this.thresholds.of(rank)),
      state: this.modeOf(rank).kind,
      ahead: unclear === nobody ? nobody : unclear.map((other) => ranks[other]?.name ?? ''),
    };
  }

  /**
   * The verdict for a request that is there: besides what {@link judge} goes by, requesters share what is let through.
   *
   * @param requester undefined where nobody was asked: then it is held back in nobody's favour
   */
  receive(rank: number, requester: string | undefined): Verdict {
    const verdict = this.judge(rank);
    if (requester === undefined || verdict.reason === 'clear' || !verdict.perform) return verdict;
    const now = this.#setup.clock.now();
    if (!this.#places.isTaken(rank, requester, this.#placeFor(rank, verdict, now), now)) return verdict;
    // What was opened is for whoever comes: less important work may be let through by the same opening.
    return this.#isOpen(rank, now) ? floor : requesterShare;
  }

  /** Whether a request that would be turned away can be let through after all, because its work type has waited for long. */
  isTurnOf(rank: number, requester: string | undefined): boolean {
    const now = this.#setup.clock.now();
    if (!this.#floors.isTurnOf(rank, now)) return false;
    if (this.#isFull()) return false;
    // Not at the instant at which more important work was turned away.
    if (this.#aheadOf(rank).some((other) => this.#wantedAt[other] === now)) return false;
    return requester === undefined || !this.#places.isTaken(rank, requester, { kind: 'turn' }, now);
  }

  /** Opens a place for it, and for whatever it must not go before. To be judged anew. */
  openFor(rank: number): void {
    this.#floors.open(rank, this.#aheadOf(rank), this.#setup.clock.now());
  }

  /** Lets a request through as it was judged. */
  enter(rank: number, verdict: Verdict, requester?: string): Entry {
    if (verdict.reason === 'clear') return uncounted;
    const now = this.#setup.clock.now();
    this.#floors.letThrough(rank);
    const place = this.#places.take(rank, requester, now);
    const entry = this.#enterAs(rank, verdict, now);
    return {
      counted: true,
      wrote: (partition) => entry.wrote(partition),
      finished: () => {
        entry.finished();
        place?.giveBack(this.#setup.clock.now());
      },
    };
  }

  /** Notes that a request was postponed as it was judged. */
  postpone(rank: number, verdict: Verdict, requester?: string): void {
    const now = this.#setup.clock.now();
    this.#wantedAt[rank] = now;
    this.#floors.turnedAway(rank);
    this.#places.turnedAway(rank, requester, now);
    if (verdict.reason === 'recovering') this.#modes.refused(rank, now);
  }

  /** Counts a finished commit. */
  count(commit: Commit): void {
    const now = this.#setup.clock.now();
    this.#queue.count(now, !this.#modes.troubled);
    this.#modes.count(commit, now);
  }

  /** Brings every state up to what is known now. */
  look(now: number): void {
    this.#modes.look(now);
    if (!this.#modes.calm) return;
    this.#floors.forget();
    this.#places.forget();
  }

  /** Lets the driver commit a probe where nobody else shows how the partition does. */
  probeIfAlone(now: number): void {
    if (this.troubled) this.#source.beginIfDue(now, this.#modes.evidenceAt);
  }

  /** How long a caller of that work type should stay away, whole ms; it is given a place among those who return. */
  retryAfterMs(rank: number): number {
    const now = this.#setup.clock.now();
    return this.#queue.retryAfterMs({
      now,
      earliestAt: now + this.askAgainInMs(rank),
      overForMs: this.#modes.overForMs(rank, now),
    });
  }

  /** How long until asking again makes sense, ms. */
  askAgainInMs(rank: number): number {
    const { clock, probeEveryMs } = this.#setup;
    if (this.modeOf(rank).kind !== 'over') return probeEveryMs / 4;
    const now = clock.now();
    // A probe that is out may take its whole time; as a rule it is back long before.
    return Math.min(
      probeEveryMs,
      Math.max(1, this.#slot.dueAt(lastEqual(this.#setup.ranks, rank), now) - now),
    );
  }

  #standing(rank: number, now: number): Standing {
    const mode = this.modeOf(rank);
    let unfinished = 0;
    for (let other = 0; other <= lastEqual(this.#setup.ranks, rank); other++)
      unfinished += this.#unfinished[other] ?? 0;
    return {
      mode,
      unfinished,
      isFull: mode.kind === 'recovering' && this.#isFull(),
      mayProbe: mode.kind === 'over' && this.#mayProbe(rank, now),
      isOpen: this.#floors.isOpenFor(rank, now),
      yields: this.#places.yielded(rank, now),
    };
  }

  /** However work types share it, exempt work finds a connection. */
  #isFull(): boolean {
    const unfinished = this.#unfinished.reduce((sum, count) => sum + count, 0);
    return unfinished > 0 && unfinished >= this.#modes.mostUnfinished();
  }

  #isOpen(rank: number, now: number): boolean {
    return [rank, ...this.#aheadOf(rank)].every((one) => this.#floors.isOpenFor(one, now));
  }

  #aheadOf(rank: number): readonly number[] {
    return this.#ahead[rank] ?? [];
  }

  #placeFor(rank: number, { reason }: Verdict, now: number): Place {
    const mode = this.modeOf(rank);
    if (reason === 'recovered-share' && mode.kind === 'recovering') {
      return { kind: 'share', limit: Math.floor(mode.limit) };
    }
    if (reason === 'probe') {
      return { kind: 'probe', freeSince: this.#slot.dueAt(lastEqual(this.#setup.ranks, rank), now) };
    }
    return { kind: 'open' };
  }

  /** Not before its time, and not before more important work that was here a moment ago. */
  #mayProbe(rank: number, now: number): boolean {
    if (now < this.#slot.dueAt(lastEqual(this.#setup.ranks, rank), now)) return false;
    if (this.#slot.spoiled && this.#source.possible) return false;
    const momentAgo = now - 2 * this.#setup.probeEveryMs;
    return !this.#aheadOf(rank).some(
      (other) => this.modeOf(other).kind === 'over' && (this.#wantedAt[other] ?? 0) > momentAgo,
    );
  }

  #enterAs(rank: number, { reason }: Verdict, now: number): Entry {
    if (reason === 'probe') return this.#probe(rank, now);
    if (reason !== 'floor') return this.#share(rank);
    const ended = this.#floors.take(rank, now);
    return this.#share(rank, ended);
  }

  #share(rank: number, ended?: () => void): Entry {
    this.#unfinished[rank] = (this.#unfinished[rank] ?? 0) + 1;
    return {
      counted: true,
      wrote() {},
      finished: () => {
        this.#unfinished[rank] = (this.#unfinished[rank] ?? 1) - 1;
        ended?.();
      },
    };
  }

  #probe(rank: number, now: number): Entry {
    const probe = this.#slot.take(rank, now);
    return {
      counted: true,
      wrote: (partition) => {
        if (partition === this.partition) probe.wrote = true;
      },
      finished: () => this.#slot.free(rank, probe),
    };
  }
}

function aheadOf({
  ranks,
  autoThreshold: { ceilingMs },
}: Pick<AdmissionsSetup, 'ranks' | 'autoThreshold'>): readonly (readonly number[])[] {
  return ranks.map((rank) => ranksAhead(ranks, rank, ceilingMs).map((ahead) => ranks.indexOf(ahead)));
}
