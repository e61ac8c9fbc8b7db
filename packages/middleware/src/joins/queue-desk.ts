import type { EngineQueue } from '../engines/queue.ts';
import { timeOfUlid } from '../ledger/ulid.ts';
import type { GateQueue, PartitionQueue, QueueTerms, QueueView } from '../options/gate-queue.ts';
import { text } from '../options/read-values.ts';
import type { Performer } from '../perform/performer.ts';
import type { QueueActivity } from '../perform/queue-activity.ts';
import type { QueuePauses } from '../perform/queue-pauses.ts';

/** A group's queue for those who look after it. */
export interface QueueDesk {
  view(): Promise<QueueView>;
  /** Undefined means the whole group. */
  setPaused(partition: string | undefined, paused: boolean, by: string): Promise<void>;
  drain(partition: string | undefined): void;
}

/** Makes the desk of a group that is open. */
export function queueDesk(
  group: string,
  queue: Pick<EngineQueue, 'backlog' | 'oldest'>,
  pauses: Pick<QueuePauses, 'read' | 'set'>,
  performer: Pick<Performer, 'lanes' | 'wake'>,
  activity: Pick<QueueActivity, 'of'>,
  parked: () => number | undefined,
): QueueDesk {
  return {
    async view() {
      const asked = Promise.all([queue.backlog(), queue.oldest(), pauses.read()]);
      const [backlog, heads, { all, partitions }] = await asked;
      const oldest = new Map(heads.map(({ partition, id }) => [partition, timeOfUlid(id)]));
      const lanes = new Map(performer.lanes().map((lane) => [lane.partition, lane]));
      const waiting = new Map(backlog.map((row) => [row.partition, row]));
      const rows = [...new Set([...waiting.keys(), ...partitions.keys()])].map(
        (partition): PartitionQueue => {
          const { items = 0, nextDueAt } = waiting.get(partition) ?? {};
          const oldestAt = oldest.get(partition);
          const lane = lanes.get(partition);
          const paused = partitions.get(partition);
          return {
            partition,
            items,
            ...(nextDueAt !== undefined && { nextDueAt: new Date(nextDueAt).toISOString() }),
            ...(oldestAt !== undefined && { oldestAt: new Date(oldestAt).toISOString() }),
            lastMinute: activity.of(partition),
            performing: lane?.running ?? 0,
            ...(lane !== undefined && { atOnce: lane.atOnce }),
            ...(paused !== undefined && { paused }),
          };
        },
      );
      const unlooked = parked();
      return {
        group,
        ...(all !== undefined && { paused: all }),
        ...(unlooked !== undefined && { parked: unlooked }),
        partitions: rows,
      };
    },
    async setPaused(partition, paused, by) {
      // What a token says may be no text that can be kept.
      await pauses.set(partition, paused, by.replace(/\p{Surrogate}/gu, '\ufffd'));
      if (!paused) performer.wake(partition);
    },
    drain: (partition) => performer.wake(partition),
  };
}

const readPartition = text(200, 'the name of a partition');
const readBy = text(200, 'a name');

/** What the application is given of a desk. Its calls reject with `option-invalid` for what is no name. */
export function queueInProcess(desk: () => Promise<QueueDesk>): GateQueue {
  const named = ({ partition }: QueueTerms): string | undefined =>
    partition === undefined ? undefined : readPartition(partition, 'partition');
  const setPaused = async (terms: QueueTerms, paused: boolean): Promise<void> => {
    const by = terms.by === undefined ? 'app' : readBy(terms.by, 'by');
    const partition = named(terms);
    await (await desk()).setPaused(partition, paused, `code:${by}`);
  };
  return {
    view: async () => (await desk()).view(),
    pause: (terms = {}) => setPaused(terms, true),
    resume: (terms = {}) => setPaused(terms, false),
    async drain(terms = {}) {
      const partition = named(terms);
      (await desk()).drain(partition);
    },
  };
}
