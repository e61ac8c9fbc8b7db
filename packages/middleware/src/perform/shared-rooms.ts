import type { PerformerOptions } from './performer-options.ts';
import { createRoom, type Room } from './room.ts';

/** Beyond so many partitions, rooms that nobody is in are forgotten. */
const mostPartitions = 10_000;

interface PartitionRoom {
  readonly room: Room;
  taken: number;
}

/**
 * Rooms for several performers of one process: together they perform no more than `maxInFlight` at once, and no more than
 * `maxConcurrency` of one partition, as one performer would.
 */
export function sharedRooms({
  maxInFlight,
  maxConcurrency,
}: Pick<PerformerOptions, 'maxInFlight' | 'maxConcurrency'>): (partition: string) => Room {
  const all = createRoom(maxInFlight);
  const byPartition = new Map<string, PartitionRoom>();

  function of(partition: string): PartitionRoom {
    const known = byPartition.get(partition);
    if (known !== undefined) return known;
    if (byPartition.size >= mostPartitions) forgetEmpty();
    const made = { room: createRoom(maxConcurrency), taken: 0 };
    byPartition.set(partition, made);
    return made;
  }

  function forgetEmpty(): void {
    for (const [partition, { taken }] of byPartition) if (taken === 0) byPartition.delete(partition);
  }

  return (partition) => ({
    take(wanted, whenFree) {
      const own = of(partition);
      const here = own.room.take(wanted, whenFree);
      const taken = here < 1 ? 0 : all.take(here, whenFree);
      own.taken += taken;
      if (here > taken) own.room.give(here - taken);
      return taken;
    },
    give(places) {
      if (places < 1) return;
      const own = of(partition);
      own.taken -= places;
      own.room.give(places);
      all.give(places);
    },
  });
}
