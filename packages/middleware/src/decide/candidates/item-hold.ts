import type { Because, ReasonCode } from '@slackwater/shared';
import type { Clock } from '../../clock.ts';
import type { CandidatePolicy, Criterion } from '../../options/candidates.ts';
import { reasonOf } from './judge.ts';
import { type Instruments, takeMeasurements } from './measurements.ts';

/** What holding items stands on. Durations in ms. */
export interface ItemHoldSetup {
  readonly clock: Pick<Clock, 'now'>;
  readonly workTypes: readonly { readonly name: string; readonly candidates: CandidatePolicy | undefined }[];
  readonly instruments: Instruments;
  /** When asking again makes sense. */
  readonly askAgainInMs: number;
  /** However long metrics and forecasts stay as they are, one item of a work type and partition goes so often. */
  readonly letOneEveryMs: number;
  /** Nothing holds them any more: what waits there should ask. */
  readonly onReleased: (partition: string) => void;
}

/** Why an item is left on its queue. */
export interface Held {
  readonly reasons: readonly ReasonCode[];
  readonly askAgainInMs: number;
}

/** Work types on partitions that are remembered to be held. */
const mostRemembered = 10_000;

/**
 * Holds queued items back while what made such requests candidates goes on: a metric, a forecast, an unreachable database.
 * What lasts (a class, a score, `always`) holds nothing back, nor does commit latency, which admission itself judges.
 */
export class ItemHold {
  readonly #setup: ItemHoldSetup;
  /** When one was last let go, by work type and partition; those that are held only. */
  readonly #heldSince = new Map<string, number>();

  constructor(setup: ItemHoldSetup) {
    this.#setup = setup;
  }

  /** Why items of that work type stay there, but for the one that goes now and then; none where they may go on to be admitted. Changes nothing. */
  reasonsFor(workType: string, partition: string): readonly ReasonCode[] {
    const policy = this.#setup.workTypes.find(({ name }) => name === workType)?.candidates;
    const criteria = policy?.criteria.filter(isPassing) ?? [];
    if (policy === undefined || criteria.length === 0) return [];
    const { because } = takeMeasurements(this.#setup.instruments, criteria, [partition], 0);
    return holding(policy, criteria, because);
  }

  /** Why an item of that work type stays; undefined where it may go on to be admitted. */
  holds(workType: string, partition: string): Held | undefined {
    const reasons = this.reasonsFor(workType, partition);
    const key = JSON.stringify([workType, partition]);
    if (reasons.length === 0) {
      if (this.#heldSince.delete(key)) this.#setup.onReleased(partition);
      return undefined;
    }
    if (this.#isItsTurn(key) && !reasons.includes('database-unreachable')) return undefined;
    return { reasons, askAgainInMs: this.#setup.askAgainInMs };
  }

  #isItsTurn(key: string): boolean {
    const now = this.#setup.clock.now();
    const since = this.#heldSince.get(key);
    if (since !== undefined && now < since + this.#setup.letOneEveryMs) return false;
    const [oldest] = this.#heldSince.size < mostRemembered ? [] : this.#heldSince.keys();
    if (oldest !== undefined) this.#heldSince.delete(oldest);
    this.#heldSince.set(key, now);
    return since !== undefined;
  }
}

function isPassing(criterion: Criterion): boolean {
  return (
    'forecast' in criterion ||
    'unavailable' in criterion ||
    ('metric' in criterion && criterion.metric !== 'commitLatencyMs')
  );
}

function holding(
  { mode }: CandidatePolicy,
  criteria: readonly Criterion[],
  because: Because,
): readonly ReasonCode[] {
  const answers = criteria.map((criterion) => reasonOf(criterion, because, undefined));
  if (mode === 'all' && answers.includes(undefined)) return [];
  return [...new Set(answers.filter((reason) => reason !== undefined))];
}
