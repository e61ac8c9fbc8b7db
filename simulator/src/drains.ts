import { endsOf } from './recovery.ts';
import type { PartitionModel, Scenario } from './scenario.ts';

/** How what was deferred was drained after a fault. */
export interface DrainRow {
  /** Entry of `partitions`. */
  readonly partition: string;
  /** When the fault ended, ms. */
  readonly faultToMs: number;
  /** How many deferrals were not done then. */
  readonly backlog: number;
  /** How long it took until none was left, those deferred meanwhile among them, ms; null where some were to the next fault or the end. */
  readonly goneAfterMs: number | null;
  /** How long the partition would have taken for all that it committed meanwhile, working at `parallel` commits at all times, ms. */
  readonly neededMs: number | null;
}

interface Draining {
  readonly faultToMs: number;
  readonly untilMs: number;
  backlog: number | undefined;
  commits: number;
  goneAt: number | undefined;
}

interface Place {
  readonly model: PartitionModel;
  readonly drains: readonly Draining[];
  waiting: number;
}

/** Looks at what is deferred and drained after faults, on all hosts. `partition` is the scenario's entry throughout. */
export class Drains {
  readonly #places: ReadonlyMap<string, Place>;

  constructor(scenario: Scenario) {
    this.#places = new Map(
      Object.entries(scenario.partitions).map(([partition, model]) => {
        const drains = endsOf(model.faults ?? [], scenario.durationMs).map(({ endMs, nextMs }) => ({
          ...{ faultToMs: endMs, untilMs: nextMs, backlog: undefined, commits: 0, goneAt: undefined },
        }));
        return [partition, { model, drains, waiting: 0 }];
      }),
    );
  }

  deferred(partition: string, at: number): void {
    const place = this.#placeAt(partition, at);
    if (place !== undefined) place.waiting += 1;
  }

  drained(partition: string, at: number): void {
    const place = this.#placeAt(partition, at);
    if (place === undefined) return;
    place.waiting -= 1;
    if (place.waiting > 0) return;
    for (const drain of place.drains) if (isUnderWay(drain, at)) drain.goneAt = at;
  }

  committed(partition: string, at: number): void {
    const place = this.#placeAt(partition, at);
    for (const drain of place?.drains ?? []) if (isUnderWay(drain, at)) drain.commits += 1;
  }

  /** Of the faults that left a backlog, in the order of partitions and time. */
  rows(): readonly DrainRow[] {
    return [...this.#places].flatMap(([partition, { model, drains, waiting }]) =>
      drains.flatMap(({ faultToMs, backlog = waiting, goneAt, commits }) => {
        if (backlog === 0) return [];
        const { serviceMs, parallel, count = 1 } = model;
        const isGone = goneAt !== undefined;
        const goneAfterMs = isGone ? Math.round(goneAt - faultToMs) : null;
        const neededMs = isGone ? Math.round((commits * serviceMs) / (parallel * count)) : null;
        return [{ partition, faultToMs, backlog, goneAfterMs, neededMs }];
      }),
    );
  }

  /** What is told first after a fault's end finds the backlog that it left. */
  #placeAt(partition: string, at: number): Place | undefined {
    const place = this.#places.get(partition);
    for (const drain of place?.drains ?? []) {
      if (at >= drain.faultToMs) drain.backlog ??= place?.waiting ?? 0;
    }
    return place;
  }
}

function isUnderWay({ faultToMs, untilMs, backlog, goneAt }: Draining, at: number): boolean {
  return at >= faultToMs && at < untilMs && backlog !== 0 && goneAt === undefined;
}
