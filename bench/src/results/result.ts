import type { Figure } from '../benchmark.ts';
import type { SeriesPicture } from '../pictures/series-picture.ts';
import type { Machine } from '../report.ts';

/** What a benchmark leaves: a file in docs/benchmarks/results, from which pages and pictures are made. */
export interface Result {
  /** The benchmark's name, and the file's. */
  readonly name: string;
  readonly title: string;
  /** When it began, ISO 8601 in UTC. */
  readonly takenAt: string;
  /** Fewer and shorter rounds: it shows that the benchmark runs, and is not to be quoted. */
  readonly quick: boolean;
  readonly tookS: number;
  readonly machine: Machine;
  /** Packages and servers by name. */
  readonly versions: Readonly<Record<string, string>>;
  /** How contenders and servers were set, in words. */
  readonly settings: Readonly<Record<string, string>>;
  /** Which `who` of the figures is this project's. */
  readonly ours?: string;
  /** Which `what` of the figures are drawn as bars; all where it is absent. */
  readonly bars?: readonly string[];
  readonly figures: readonly Figure[];
  readonly pictures: readonly SeriesPicture[];
  /** What else was measured. */
  readonly data?: object;
}
