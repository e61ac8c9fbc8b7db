import type { Entry } from '../../packages/middleware/src/decide/entry.ts';
import { ItemAdmission } from '../../packages/middleware/src/decide/item-admission.ts';
import { ItemProbes } from '../../packages/middleware/src/decide/item-probes.ts';
import { ranksAhead } from '../../packages/middleware/src/decide/work-type.ts';
import type { Commit, CommitSource } from '../../packages/middleware/src/drivers/driver.ts';
import { type Deciding, decide, measure } from '../../packages/middleware/src/joins/decide.ts';
import type { ResolvedOptions } from '../../packages/middleware/src/options/resolved.ts';
import { Lane } from './lane.ts';
import type { Partition } from './partition.ts';
import { Pool } from './pool.ts';
import type { Random } from './random.ts';
import type { VirtualClock } from './virtual-clock.ts';

/** What a host tells of. */
export interface HostEvents {
  /** A work type has changed its state. */
  readonly changed: (host: number, partition: string, workType: string, from: string, to: string) => void;
  /** A commit of a work type was answered. */
  readonly committed: (partition: string, rank: number, ms: number) => void;
  readonly drained: (partition: string, rank: number) => void;
  /** More important work was refused for latency in a state in which less important work was admitted, or would be. */
  readonly inverted: () => void;
  /** Something was answered by way of a promise: it must be heard before time goes on. */
  readonly settled: () => void;
}

/** What a host is made of. */
export interface HostParts {
  readonly index: number;
  readonly clock: VirtualClock;
  readonly options: ResolvedOptions;
  readonly random: Random;
  readonly partitionOf: (name: string) => Partition;
  readonly connectionsOf: (name: string) => number;
  readonly events: HostEvents;
}

/** What a host did with a request. */
export type Asked =
  | { readonly perform: true; readonly reason: string; readonly entry: Entry }
  | { readonly perform: false; readonly reason: string; readonly partition: string };

/** What is to be performed. */
export interface Work {
  readonly rank: number;
  readonly partition: string;
  /** It fails before it commits. */
  readonly fails: boolean;
}

/** One process behind its gate: the gate's own latency table and admissions, joined as the gate joins them. */
export class Host {
  readonly #parts: HostParts;
  readonly #deciding: Deciding;
  readonly #items: ItemAdmission;
  readonly #pools = new Map<string, Pool>();
  readonly #lanes = new Map<string, Lane>();
  readonly #sources = new Map<string, readonly CommitSource[]>();
  /** By rank, those that must not be refused while it is admitted. */
  readonly #ahead: readonly (readonly number[])[];
  /** By rank, those that must not be admitted while it is refused. */
  readonly #behind: readonly (readonly number[])[];

  constructor(parts: HostParts) {
    this.#parts = parts;
    const { clock, random, options, index, events } = parts;
    const voice = {
      tell: (name: string, event: unknown): void => {
        if (name !== 'state') return;
        const { partition, workType, from, to } = event as Record<
          'partition' | 'workType' | 'from' | 'to',
          string
        >;
        events.changed(index, partition, workType, from, to);
      },
      trouble() {},
    };
    const ground = { clock, random, subscribes: false, sourcesOf: (name: string) => this.#sourcesOf(name) };
    const measuring = measure(options, voice, ground);
    this.#deciding = decide(options, measuring, voice, (name) => this.#lanes.get(name)?.wake(), ground);
    const probes = new ItemProbes(clock, options.latency.probeEveryMs);
    this.#items = new ItemAdmission(this.#deciding.admissions, options, undefined, probes);
    const { ranks } = this.#deciding;
    const { ceilingMs } = options.autoThreshold;
    this.#ahead = ranks.map((rank) =>
      ranksAhead(ranks, rank, ceilingMs).map((ahead) => ranks.indexOf(ahead)),
    );
    this.#behind = ranks.map((_, rank) =>
      this.#ahead.flatMap((ahead, other) => (ahead.includes(rank) ? [other] : [])),
    );
  }

  /** Asks the gate for a request that has just arrived. */
  ask(rank: number, partition: string, name: string | undefined, mayDefer: boolean): Asked {
    const { admissions } = this.#deciding;
    const isAdmittedBehind = this.#behind[rank]?.some((other) => admissions.wouldPerform(other, partition));
    const asked = admissions.ask(rank, [partition]);
    // In the state in which it is let through: its work type's turn opens a place for those ahead of it, too.
    const isRefusedAhead = this.#ahead[rank]?.some((other) => !admissions.wouldPerform(other, partition));
    // A floor opens for those ahead too: they are asked in the state that it has made.
    const isStillRefused = (): boolean | undefined =>
      this.#ahead[rank]?.some((other) => !admissions.wouldPerform(other, partition));
    const isInverted = asked.perform
      ? isRefusedAhead === true && (asked.reason !== 'floor' || isStillRefused() === true)
      : isAdmittedBehind === true;
    if (isInverted) this.#parts.events.inverted();
    const isExempt = this.#deciding.ranks[rank]?.exempt === true;
    if (!isExempt && admissions.expectsReturns)
      admissions.arrived(rank, [partition], name, asked.perform || mayDefer);
    return asked;
  }

  /** How long a caller that was turned away is asked to stay away, whole ms. `name`: as in its Idempotency-Key. */
  retryAfterMs(rank: number, partition: string, name: string | undefined): number {
    return this.#deciding.admissions.retryAfterMs(rank, partition, name);
  }

  /** A request was deferred here. `fails`: its work never commits. */
  defer(rank: number, partition: string, fails: boolean): void {
    this.#laneOf(partition).enqueue(rank, fails);
  }

  /** Performs a request that commits once, unless it fails; `ended` is told whether it did. */
  perform({ rank, partition, fails }: Work, wrote: () => void, ended: (well: boolean) => void): void {
    const { clock, partitionOf, index, events } = this.#parts;
    const database = partitionOf(partition);
    if (fails || database.refuses(index)) {
      clock.after(1, () => ended(false));
      return;
    }
    const isExempt = this.#deciding.ranks[rank]?.exempt === true;
    this.#poolOf(partition).take(!isExempt, (release) => {
      const commit = beginning(partition, clock.now());
      wrote();
      this.#deciding.table.begin(commit);
      database.commit(index, () => {
        commit.durationMs = clock.now() - commit.startedAt;
        commit.outcome = 'committed';
        this.#deciding.table.finish(commit);
        events.committed(partition, rank, commit.durationMs);
        release();
        ended(true);
      });
    });
  }

  #poolOf(partition: string): Pool {
    let pool = this.#pools.get(partition);
    if (pool === undefined) {
      pool = new Pool(this.#parts.connectionsOf(partition));
      this.#pools.set(partition, pool);
    }
    return pool;
  }

  #laneOf(partition: string): Lane {
    let lane = this.#lanes.get(partition);
    if (lane === undefined) {
      const { clock, random, options, events } = this.#parts;
      lane = new Lane({
        clock,
        random,
        workTypes: this.#deciding.ranks.map(({ name }) => name),
        partition,
        admission: this.#items,
        options: options.perform,
        perform: ({ rank, fails }, wrote, ended) => this.perform({ rank, partition, fails }, wrote, ended),
        drained: (rank) => events.drained(partition, rank),
      });
      this.#lanes.set(partition, lane);
    }
    return lane;
  }

  /** A pool whose driver can probe, as that of PostgreSQL. */
  #sourcesOf(partition: string): readonly CommitSource[] {
    let sources = this.#sources.get(partition);
    if (sources === undefined) {
      const connections = this.#parts.connectionsOf(partition);
      sources = [
        {
          ...{ partition, driver: 'simulated', connections, completions: undefined },
          probe: () => this.#probe(partition),
        },
      ];
      this.#sources.set(partition, sources);
    }
    return sources;
  }

  #probe(partition: string): Promise<number> {
    const { clock, partitionOf, index, events } = this.#parts;
    const database = partitionOf(partition);
    const startedAt = clock.now();
    return new Promise((resolve, reject) => {
      const answer = (settle: () => void): void => {
        events.settled();
        settle();
      };
      if (database.refuses(index)) {
        clock.after(1, () => answer(() => reject(new Error('connection refused'))));
      } else database.probe(index, () => answer(() => resolve(clock.now() - startedAt)));
    });
  }
}

function beginning(partition: string, startedAt: number): Commit {
  return { partition, kind: 'explicit', startedAt, context: undefined, durationMs: 0, outcome: undefined };
}
