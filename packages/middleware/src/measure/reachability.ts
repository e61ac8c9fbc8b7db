import type { Clock, Timer } from '../clock.ts';
import type { CommitSource, SourceContact } from '../drivers/driver.ts';

/** Why a database can't be reached. */
export type Unreachable = Exclude<SourceContact['outcome'], 'reached'>;

/** What is known of a partition whose database was not always there. */
export interface Contact {
  /** Undefined while it is only doubted. */
  readonly unreachable: Unreachable | undefined;
  /** Connections lost since it was last reached. */
  readonly lost: number;
  /** When it was last told of, monotonic ms. */
  readonly at: number;
}

/**
 * What is known after another contact; undefined where all is well. A refusal or a time-out is enough. A single lost connection
 * is not, for connections are also cut for being idle; the second one is, where no connection was made in between.
 */
export function afterContact(
  before: Contact | undefined,
  outcome: SourceContact['outcome'],
  now: number,
): Contact | undefined {
  if (outcome === 'reached') return undefined;
  const lost = (before?.lost ?? 0) + (outcome === 'lost' ? 1 : 0);
  const unreachable = outcome !== 'lost' ? outcome : (before?.unreachable ?? (lost > 1 ? 'lost' : undefined));
  return { unreachable, lost, at: now };
}

/** What reachability stands on. Durations in ms. */
export interface ReachabilitySetup {
  readonly clock: Pick<Clock, 'now' | 'after'>;
  readonly sourcesOf: (partition: string) => readonly CommitSource[];
  readonly probeEveryMs: number;
  /** It can be reached again. */
  readonly onReached: (partition: string) => void;
}

/** Without word of it, a database counts as unreachable for so long, ms, or as long as three probes take: then requests find out. */
const believedMs = 10_000;

/**
 * Knows which partitions' databases can't be reached, from what drivers tell, and has them probed until they can. It
 * costs nothing while all can.
 */
export class Reachability {
  readonly #setup: ReachabilitySetup;
  /** As many as there are partitions with observed sources, at most. */
  readonly #contacts = new Map<string, Contact>();
  readonly #probing = new Set<string>();
  #timer: Timer | undefined;
  #closed = false;

  constructor(setup: ReachabilitySetup) {
    this.#setup = setup;
  }

  /** A driver tells. */
  hear({ partition, outcome }: SourceContact): void {
    if (this.#closed) return;
    const before = this.#contacts.get(partition);
    const after = afterContact(before, outcome, this.#setup.clock.now());
    if (after !== undefined) {
      this.#contacts.set(partition, after);
      // The first word of trouble is looked into at once.
      if (before === undefined) this.#probe(partition);
      this.#attend();
      return;
    }
    this.#contacts.delete(partition);
    if (before?.unreachable !== undefined) this.#setup.onReached(partition);
  }

  /** Why the partition's database can't be reached; undefined where it can, as far as is known. */
  why(partition: string): Unreachable | undefined {
    return this.#contacts.size === 0 ? undefined : this.#contacts.get(partition)?.unreachable;
  }

  /** Ends the probing; from then on everything counts as reachable. */
  close(): void {
    this.#closed = true;
    this.#timer?.cancel();
    this.#contacts.clear();
  }

  #attend(): void {
    if (this.#closed || this.#contacts.size === 0) return;
    this.#timer ??= this.#setup.clock.after(this.#setup.probeEveryMs, () => {
      this.#timer = undefined;
      const now = this.#setup.clock.now();
      const believed = Math.max(believedMs, 3 * this.#setup.probeEveryMs);
      for (const [partition, { at }] of this.#contacts) {
        if (now - at > believed) this.hear({ partition, outcome: 'reached' });
        else this.#probe(partition);
      }
      this.#attend();
    });
  }

  /** What it meets its driver tells by itself; a probe that is answered says the same as a connection that is made. */
  #probe(partition: string): void {
    const source = this.#setup.sourcesOf(partition).find(({ probe }) => probe !== undefined);
    if (source?.probe === undefined || this.#probing.has(partition)) return;
    this.#probing.add(partition);
    source
      .probe()
      .then(
        () => this.hear({ partition, outcome: 'reached' }),
        () => {},
      )
      .finally(() => this.#probing.delete(partition));
  }
}
