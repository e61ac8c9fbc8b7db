import type { Clock } from '../clock.ts';
import type { EngineQueue } from '../engines/queue.ts';

const freshMs = 250;

/** How full the queue is: asked of the engine now and then, counted in between. */
export interface QueueGauge {
  isFull(): Promise<boolean>;
  /** One more was enqueued by this process. */
  add(): void;
}

/** A gauge for a bound of `maxQueued` unsettled items. Other processes may bring it over by what they enqueue in 250 ms. */
export function queueGauge(queue: EngineQueue, clock: Pick<Clock, 'now'>, maxQueued: number): QueueGauge {
  let items = 0;
  let askedAt = Number.NEGATIVE_INFINITY;
  let asking: Promise<void> | undefined;

  async function ask(): Promise<void> {
    try {
      const backlog = await queue.backlog();
      items = backlog.reduce((sum, partition) => sum + partition.items, 0);
      askedAt = clock.now();
    } finally {
      asking = undefined;
    }
  }

  return {
    async isFull() {
      if (clock.now() - askedAt >= freshMs) {
        asking ??= ask();
        await asking;
      }
      return items >= maxQueued;
    },
    add() {
      items += 1;
    },
  };
}
