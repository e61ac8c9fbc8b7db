import type { ItemAdmission, ItemAnswer } from '../../packages/middleware/src/decide/item-admission.ts';
import { retryDelayMs } from '../../packages/middleware/src/perform/back-off.ts';
import {
  afterItem,
  type Drain,
  type DrainedItem,
  firstDrain,
  mayBegin,
  released,
} from '../../packages/middleware/src/perform/drain.ts';
import type { PerformerOptions } from '../../packages/middleware/src/perform/performer-options.ts';
import { Line } from './line.ts';
import type { Random } from './random.ts';
import type { VirtualClock } from './virtual-clock.ts';

/** One deferral. */
export interface QueuedItem {
  readonly rank: number;
  /** Its work never commits. */
  readonly fails: boolean;
  readonly attempts: number;
}

/** What a lane does its work with. */
export interface LaneParts {
  readonly clock: VirtualClock;
  readonly random: Random;
  /** By importance. */
  readonly workTypes: readonly string[];
  readonly partition: string;
  readonly admission: ItemAdmission;
  readonly options: PerformerOptions;
  /** Performs the work of an item; `ended` is told whether it went well. */
  readonly perform: (item: QueuedItem, wrote: () => void, ended: (well: boolean) => void) => void;
  readonly drained: (rank: number) => void;
}

/**
 * The deferrals of one partition on one host, in memory: the real admission and the real drain rule, and a queue that is asked
 * in the order of importance.
 */
export class Lane {
  readonly #parts: LaneParts;
  readonly #queued: readonly Line<QueuedItem>[];
  #drain: Drain = firstDrain;
  #running = 0;

  constructor(parts: LaneParts) {
    this.#parts = parts;
    this.#queued = parts.workTypes.map(() => new Line());
  }

  /** A request was deferred. */
  enqueue(rank: number, fails: boolean): void {
    this.#queued[rank]?.push({ rank, fails, attempts: 0 });
    this.#pump();
  }

  /** The partition may have recovered. */
  wake(): void {
    this.#drain = released(this.#drain);
    this.#pump();
  }

  #pump(): void {
    const { clock, admission, partition, workTypes } = this.#parts;
    while (mayBegin(this.#drain, this.#running, clock.now()) > 0) {
      let askAgainInMs = Number.POSITIVE_INFINITY;
      const isBegun = this.#queued.some((line, rank) => {
        if (line.length === 0) return false;
        const answer = admission.admit({ partition, workType: workTypes[rank] ?? '' });
        if (!answer.admitted) {
          askAgainInMs = Math.min(askAgainInMs, answer.askAgainInMs);
          return false;
        }
        this.#run(rank, answer);
        return true;
      });
      if (isBegun) continue;
      if (askAgainInMs === Number.POSITIVE_INFINITY) return;
      this.#after({ end: { heldForMs: askAgainInMs }, strain: 0, tookMs: 0 });
    }
  }

  #run(rank: number, admitted: Extract<ItemAnswer, { readonly admitted: true }>): void {
    const { partition, perform, options, clock, random, drained } = this.#parts;
    const item = this.#queued[rank]?.shift();
    if (item === undefined) return;
    this.#running += 1;
    const begunAt = clock.now();
    perform(
      item,
      () => admitted.wrote(partition),
      (well) => {
        this.#running -= 1;
        const strain = admitted.strain();
        admitted.finished();
        this.#after({ end: well ? 'well' : 'badly', strain, tookMs: clock.now() - begunAt });
        if (well) drained(rank);
        else {
          const attempts = item.attempts + 1;
          // Without an end, or what fails would be gone before long.
          const delayMs = retryDelayMs(attempts, options.retryBaseMs, options.retryCapMs, random());
          clock.after(delayMs, () => {
            this.#queued[rank]?.push({ ...item, attempts });
            this.#pump();
          });
        }
        this.#pump();
      },
    );
  }

  #after(item: DrainedItem): void {
    const { clock, options } = this.#parts;
    const { heldUntil } = this.#drain;
    const now = clock.now();
    this.#drain = afterItem(this.#drain, item, options, now);
    if (this.#drain.heldUntil > heldUntil) clock.after(this.#drain.heldUntil - now, () => this.#pump());
  }
}
