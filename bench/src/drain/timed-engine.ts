import type { Engine } from '@slackwater/middleware';

type OpenEngine = Awaited<ReturnType<Engine['open']>>;

/** How long the items of a queue took, all added up, ms. */
export interface ItemTimes {
  items: number;
  /** Waiting for `claim`, shared by the items that it gave. */
  claimMs: number;
  /** From having an item to having it taken off the queue. */
  heldMs: number;
  /** Waiting for `settle`. */
  settleMs: number;
}

/** An engine that notes how long items of its queue took, and gives the open engine to whoever fills it. */
export interface TimedEngine {
  readonly engine: Engine;
  readonly times: ItemTimes;
  opened(): OpenEngine;
}

/** Times an engine. */
export function timed(inner: Engine): TimedEngine {
  const times: ItemTimes = { items: 0, claimMs: 0, heldMs: 0, settleMs: 0 };
  const claimedAt = new Map<string, number>();
  let open: OpenEngine | undefined;

  function timedQueue(queue: OpenEngine['queue']): OpenEngine['queue'] {
    return {
      ...queue,
      async claim(options) {
        const startedAt = performance.now();
        const claims = await queue.claim(options);
        const now = performance.now();
        if (claims.length > 0) times.claimMs += now - startedAt;
        for (const { id } of claims) claimedAt.set(id, now);
        return claims;
      },
      async settle(id, token) {
        const startedAt = performance.now();
        const isSettled = await queue.settle(id, token);
        times.items += 1;
        times.heldMs += startedAt - (claimedAt.get(id) ?? startedAt);
        times.settleMs += performance.now() - startedAt;
        claimedAt.delete(id);
        return isSettled;
      },
    };
  }

  return {
    engine: {
      ...inner,
      async open(options) {
        const opened = await inner.open(options);
        open = { ...opened, queue: timedQueue(opened.queue) };
        return open;
      },
    },
    times,
    opened() {
      if (open === undefined) throw new Error('The engine is not open.');
      return open;
    },
  };
}
