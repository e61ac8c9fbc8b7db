import type { Scenario } from './scenario.ts';

/** What happened to the work of one work type on one partition within one window. */
export interface WindowRow {
  readonly fromMs: number;
  readonly partition: string;
  readonly workType: string;
  /** Requests that arrived, those that were asked to return among them. */
  readonly offered: number;
  /** Of these, let through. */
  readonly performed: number;
  /** Of these, asked to retry later. */
  readonly refused: number;
  /** Of these, deferred. */
  readonly deferred: number;
  /** Deferrals that were performed. */
  readonly drained: number;
  /** Of the commits that were answered within the window; null where there were none. */
  readonly latencyMs: { readonly p50: number | null; readonly p99: number | null };
}

type Count = 'offered' | 'performed' | 'refused' | 'deferred' | 'drained';

interface Cell {
  readonly counts: Record<Count, number>;
  readonly latencies: number[];
}

/** What happens to the work of one work type on one partition. */
export class Series {
  readonly partition: string;
  readonly workType: string;
  readonly #windowMs: number;
  readonly #cells: readonly Cell[];

  constructor(partition: string, workType: string, { reportWindowMs, durationMs }: Scenario) {
    this.partition = partition;
    this.workType = workType;
    this.#windowMs = reportWindowMs;
    this.#cells = Array.from({ length: Math.ceil(durationMs / reportWindowMs) }, emptyCell);
  }

  count(what: Count, at: number): void {
    const cell = this.#cells[Math.floor(at / this.#windowMs)];
    if (cell !== undefined) cell.counts[what] += 1;
  }

  latency(ms: number, at: number): void {
    this.#cells[Math.floor(at / this.#windowMs)]?.latencies.push(ms);
  }

  /** One for each window. */
  rows(): readonly WindowRow[] {
    const { partition, workType } = this;
    return this.#cells.map(({ counts, latencies }, window) => {
      const sorted = Float64Array.from(latencies).sort();
      const latencyMs = { p50: rankedAt(sorted, 0.5), p99: rankedAt(sorted, 0.99) };
      return { fromMs: window * this.#windowMs, partition, workType, ...counts, latencyMs };
    });
  }
}

/** Counts what happens, by window, partition and work type. */
export class Tally {
  readonly #scenario: Scenario;
  readonly #series = new Map<string, Series>();

  constructor(scenario: Scenario) {
    this.#scenario = scenario;
  }

  /** The series of a work type on an entry of `partitions`. */
  of(partition: string, workType: string): Series {
    const key = `${workType}\n${partition}`;
    let series = this.#series.get(key);
    if (series === undefined) {
      series = new Series(partition, workType, this.#scenario);
      this.#series.set(key, series);
    }
    return series;
  }

  /** In the order of time, then as they were asked for first. */
  rows(): readonly WindowRow[] {
    const all = [...this.#series.values()].map((series) => series.rows());
    return (all[0] ?? []).flatMap((_, window) => all.flatMap((rows) => rows[window] ?? []));
  }
}

function emptyCell(): Cell {
  return { counts: { offered: 0, performed: 0, refused: 0, deferred: 0, drained: 0 }, latencies: [] };
}

/** The value of nearest rank, rounded to microseconds. */
function rankedAt(sorted: Float64Array, share: number): number | null {
  const value = sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)];
  return value === undefined ? null : Math.round(value * 1_000) / 1_000;
}
