import type { PartitionAdmission } from './partition-admission.ts';

/** So many are looked at when one is to be forgotten. */
const lookedAtMost = 16;

/** The partitions of which something is known, at most so many: who makes names up must not make others be forgotten. */
export class KnownPartitions {
  readonly #partitions = new Map<string, PartitionAdmission>();
  /** The names of those that are not calm: of which more is to be known than their latency. */
  readonly #uneasy = new Set<string>();
  readonly #most: number;
  readonly #onForgotten: (partition: PartitionAdmission) => void;

  constructor(most: number, onForgotten: (partition: PartitionAdmission) => void) {
    this.#most = most;
    this.#onForgotten = onForgotten;
  }

  get(name: string): PartitionAdmission | undefined {
    return this.#partitions.get(name);
  }

  values(): Iterable<PartitionAdmission> {
    return this.#partitions.values();
  }

  /** The partition of that name, known from now on. */
  of(name: string, make: (name: string) => PartitionAdmission): PartitionAdmission {
    let found = this.#partitions.get(name);
    if (found === undefined) {
      if (this.#partitions.size >= this.#most) this.#forget();
      found = make(name);
      this.#partitions.set(name, found);
    } else found.namedAgain = true;
    return found;
  }

  /** Keeps in mind whether it is calm, after whatever may have changed that. */
  note({ partition, calm }: PartitionAdmission): void {
    if (!calm) this.#uneasy.add(partition);
    else if (this.#uneasy.size > 0) this.#uneasy.delete(partition);
  }

  /** Whether it is not calm. */
  isUneasy(name: string): boolean {
    return this.#uneasy.size > 0 && this.#uneasy.has(name);
  }

  /**
   * Forgets those named longest ago, of the first few that are calm and were not named again since they were last looked at;
   * the others get another turn, until a sixteenth more than there should be are known.
   */
  #forget(): void {
    const kept: PartitionAdmission[] = [];
    for (const partition of this.#partitions.values()) {
      if (this.#partitions.size < this.#most) return;
      if (partition.calm && !partition.namedAgain) this.#drop(partition);
      else if (kept.push(partition) === lookedAtMost) break;
    }
    const [first] = kept;
    const mostWithTurns = this.#most + Math.ceil(this.#most / 16);
    if (first !== undefined && this.#partitions.size >= mostWithTurns) this.#drop(first);
    for (const partition of kept) {
      partition.namedAgain = false;
      if (kept.length < lookedAtMost || !this.#partitions.delete(partition.partition)) continue;
      this.#partitions.set(partition.partition, partition);
    }
  }

  #drop(partition: PartitionAdmission): void {
    this.#partitions.delete(partition.partition);
    this.#uneasy.delete(partition.partition);
    this.#onForgotten(partition);
  }
}
