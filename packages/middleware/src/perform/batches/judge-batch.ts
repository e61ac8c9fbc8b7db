import type { ReasonCode } from '@slackwater/shared';

/** Where a batch's work type stands on one partition. */
export interface PartitionStanding {
  readonly partition: string;
  /** Undefined where none is known. */
  readonly valueMs: number | undefined;
  /** Undefined where it is exempt. */
  readonly thresholdMs: number | undefined;
  readonly state: 'clear' | 'over' | 'recovering';
  /** Why queued work is held back there whatever its latency, such as a database that is gone. */
  readonly held?: readonly ReasonCode[];
}

/** Whose choice the partitions of a batch are: the host's own, or that of those who sent it. */
export type BatchDirection = 'outbound' | 'inbound';

/** What is to become of a batch. */
export interface BatchVerdict {
  readonly act: 'perform' | 'exclude' | 'postpone';
  /** The deciding one first. */
  readonly reasons: readonly ReasonCode[];
  /** The partitions that are over. */
  readonly over: readonly PartitionStanding[];
}

/**
 * Whether a partition is over for the work type: strictly above its threshold, a value that equals it is not. While it recovers, the samples of before say nothing any
 * more: what it takes then, each call is told when it asks.
 */
export function isOver({ valueMs, thresholdMs, state, held }: PartitionStanding): boolean {
  if (held !== undefined) return true;
  if (state !== 'clear') return state === 'over';
  return valueMs !== undefined && thresholdMs !== undefined && valueMs > thresholdMs;
}

/**
 * What is to become of a batch, given all partitions that count. Outbound: where more than half of them are over, all of it is postponed; else those that are over are
 * excluded. Inbound: one that is over postpones all. Exactly half is no majority.
 */
export function judgeBatch(direction: BatchDirection, standings: readonly PartitionStanding[]): BatchVerdict {
  const over = standings.filter(isOver);
  if (over.length === 0) return { act: 'perform', reasons: ['clear'], over };
  const why = [...new Set(over.flatMap(reasonsOf))];
  if (direction === 'inbound') return { act: 'postpone', reasons: ['one-over', ...why], over };
  if (over.length * 2 > standings.length)
    return { act: 'postpone', reasons: ['majority-over', ...why], over };
  return { act: 'exclude', reasons: why, over };
}

/** Why a partition that is over takes nothing. */
export function reasonsOf({ held }: Pick<PartitionStanding, 'held'>): readonly ReasonCode[] {
  return held ?? ['over-threshold'];
}

/** Whether there is room for extra work: every value that is known is strictly below `belowMs`, and nothing is over or recovering. */
export function hasRoom(belowMs: number, standings: readonly PartitionStanding[]): boolean {
  return standings.every(
    ({ valueMs, state, held }) =>
      held === undefined && state === 'clear' && (valueMs === undefined || valueMs < belowMs),
  );
}
