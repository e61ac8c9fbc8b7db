import type { AdmissionAnswer } from '../admission.ts';
import type { BatchContext, BatchItem } from './batch-types.ts';
import { callPerform } from './call-perform.ts';
import { inGroups } from './in-groups.ts';
import type { RunOrder, RunParts } from './run-parts.ts';
import type { RunTally } from './run-tally.ts';

/** What a partition takes in this run: all items, one as a probe, or none. */
export type Allowance = 'all' | 'one' | 'none';

/** A run that is under way. */
export interface Running {
  readonly parts: RunParts;
  readonly order: RunOrder;
  readonly tally: RunTally;
  /** Nothing is to be held back: shadow mode, or postponed for too long. */
  readonly isFree: boolean;
  readonly allowance: (partition: string) => Allowance;
  /** Partitions that had their probe. */
  readonly probed: Set<string>;
  /** Partitions that get no more calls in this run: one of theirs goes on although nobody waits for it. */
  readonly setAside: Set<string>;
}

/** Performs what may be performed of these items, and counts all of them. Gives those that are done. Never rejects. */
export async function performChunk(
  running: Running,
  items: readonly BatchItem[],
  early: boolean,
): Promise<ReadonlySet<unknown>> {
  const { parts, order, tally, probed, setAside } = running;
  const { desk, options } = parts;
  const done = new Set<unknown>();
  const probes = new Set<string>();
  const letThrough = new Map<string, AdmissionAnswer>();
  const leave = (left: readonly BatchItem[]): void => {
    for (const item of left) tally.left(item, !setAside.has(item.partition));
  };

  function mayBegin(partition: string, underWay: number): 'yes' | 'wait' | 'stop' {
    if (setAside.has(partition)) return 'stop';
    if (order.stop.aborted || !order.mayGoOn()) {
      tally.interrupt();
      return 'stop';
    }
    const answer = desk.admit(partition);
    if (answer.admitted || running.isFree) {
      letThrough.set(partition, answer);
      return 'yes';
    }
    if (underWay > 0) return 'wait';
    tally.turnAway(partition, answer.reasons);
    return 'stop';
  }

  async function call(partition: string, called: readonly BatchItem[]): Promise<void> {
    const answer = letThrough.get(partition);
    const entry = answer?.admitted === true ? answer : undefined;
    const context: Omit<BatchContext, 'signal'> = {
      batch: options.name,
      run: order.id,
      partition,
      fencingToken: order.fencingToken,
      early,
      postponements: order.postponements,
      historyOf: ({ id }) => parts.histories.of(id),
    };
    const rules = { clock: parts.clock, options, stop: order.stop };
    const end = await desk
      .actFor(
        (to) => entry?.wrote?.(to),
        () => callPerform(rules, called, context),
      )
      .finally(() => entry?.finished());
    if (end.isLoose) setAside.add(partition);
    if (end.isLoose && order.stop.aborted) tally.interrupt();
    for (const item of called) {
      const error = end.failed.get(item.id);
      if (error !== undefined) tally.failed(item, error);
      else {
        tally.performed(item, probes.has(partition) ? 'probe' : early ? 'early' : 'due');
        done.add(item);
      }
    }
  }

  const groups = new Map<string, BatchItem[]>();
  for (const item of items) {
    const { partition } = item;
    const allowance = running.allowance(partition);
    if (allowance === 'one') {
      probes.add(partition);
      probed.add(partition);
    }
    const group = groups.get(partition);
    if (allowance === 'none') leave([item]);
    else if (group === undefined) groups.set(partition, [item]);
    else group.push(item);
  }
  await inGroups(groups, options, { mayBegin, call, leave: (_, left) => leave(left) });
  return done;
}
