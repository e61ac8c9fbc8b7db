import type { Clock } from '../../clock.ts';
import type { ForecastOptions } from '../../options/candidates.ts';
import { emptyModel, type ForecastModel, learn, mayForecast, type Prediction, predict } from './forecast.ts';

/** What is counted. */
export type Counted = 'requests' | 'commits';

interface Series {
  model: ForecastModel;
  /** The bucket that is being counted, in buckets since 1970. */
  bucket: number;
  count: number;
}

/**
 * Counts the workload of partitions in buckets of the wall clock, and predicts it. Partitions are bounded, and so are the
 * buckets of each; a clock that jumps by more than a period begins anew.
 */
export class Forecasts {
  readonly #clock: Pick<Clock, 'wallNow'>;
  readonly #options: Required<ForecastOptions>;
  readonly #buckets: number;
  /** The one that was counted last is the last. */
  readonly #series = new Map<string, Series>();

  constructor(clock: Pick<Clock, 'wallNow'>, options: Required<ForecastOptions>) {
    this.#clock = clock;
    this.#options = options;
    this.#buckets = options.periodMs / options.bucketMs;
  }

  /** One more request or commit. */
  count(what: Counted, partition: string): void {
    const key = `${what} ${partition}`;
    let series = this.#series.get(key);
    if (series === undefined) {
      const [oldest] = this.#series.size < 2 * this.#options.maxPartitions ? [] : this.#series.keys();
      if (oldest !== undefined) this.#series.delete(oldest);
      series = { model: emptyModel(this.#buckets), bucket: this.#bucketNow(), count: 0 };
      this.#series.set(key, series);
    } else if (this.#catchUp(series)) {
      this.#series.delete(key);
      this.#series.set(key, series);
    }
    series.count += 1;
  }

  /**
   * What is expected from now until `withinMs` have passed; undefined while too little is known: less than two periods.
   */
  predict(what: Counted, partition: string, over: number, withinMs: number): Prediction | undefined {
    const series = this.#series.get(`${what} ${partition}`);
    if (series === undefined) return undefined;
    this.#catchUp(series);
    if (!mayForecast(series.model)) return undefined;
    const { bucketMs } = this.#options;
    const last = Math.floor((this.#clock.wallNow() + withinMs) / bucketMs);
    const places: number[] = [];
    for (let bucket = series.bucket; bucket <= last && places.length < this.#buckets; bucket++) {
      places.push(bucket % this.#buckets);
    }
    return predict(series.model, places, over, bucketMs / 1_000);
  }

  #bucketNow(): number {
    return Math.floor(this.#clock.wallNow() / this.#options.bucketMs);
  }

  /** Learns from the buckets that are over; true where there were any. */
  #catchUp(series: Series): boolean {
    const now = this.#bucketNow();
    const passed = now - series.bucket;
    if (passed === 0 || (passed < 0 && passed >= -this.#buckets)) return false;
    if (Math.abs(passed) > this.#buckets) series.model = emptyModel(this.#buckets);
    else {
      for (let bucket = series.bucket; bucket < now; bucket++) {
        const perSecond = (series.count * 1_000) / this.#options.bucketMs;
        series.model = learn(series.model, bucket % this.#buckets, perSecond);
        series.count = 0;
      }
    }
    series.bucket = now;
    series.count = 0;
    return true;
  }
}
