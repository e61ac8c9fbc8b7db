import { randomUUID } from 'node:crypto';
import type { Timer } from '../../clock.ts';
import { EngineError } from '../engine-error.ts';
import { checkInteger, checkName, deadKeptMs, engineLimits, settledKeptMs, wholeMs } from '../limits.ts';
import type { Claim, ClaimOptions, EngineQueue, QueueItem } from '../queue.ts';
import type { NatsContext } from './context.ts';
import { notShown, streamReplaced } from './failures.ts';
import { gathered } from './gathered.ts';
import { inParallel } from './in-parallel.ts';
import { startQueueFeed } from './queue-feed.ts';
import { lineOf, packArrival, packItem, type QueuedItem } from './queue-message.ts';
import { isForgotten, type ViewedItem } from './queue-view.ts';

// Who may perform what is decided by compare-and-set on the item's message, and every host has its own view to choose from:
// a consumer of a work queue gives messages in the order of the stream, and neither by priority nor one of an order key at
// a time. A view that is behind chooses what is taken already, loses, and looks again.

/** The queue of one scope, with what lets it go. */
export interface NatsQueue extends EngineQueue {
  behind(): number;
  stop(): void;
}

const removedKeptMs = 3_600_000;
const mostTries = 32;
const sweepEveryMs = 30_000;
const sweptPerTurn = 5_000;
const sweptAtATime = 16;
/** Items that arrive in one message. */
const mostTogether = 256;
const mostTogetherBytes = 128 * 1024;

interface Arriving {
  readonly id: string;
  readonly line: string;
}

/** Opens the queue, and begins to build this host's view of it. */
export async function openNatsQueue(context: NatsContext): Promise<NatsQueue> {
  const { api, names, clock } = context;
  const stream = names.streams.queue;
  const feed = startQueueFeed(context);
  const serverClock = feed.clock;
  let sweeping: Timer | undefined;
  let stopped = false;

  /** Writes what becomes of an item where nothing has become of it since; then this host knows it at once. */
  async function write(item: QueuedItem, { seq: replaces, arrival }: ViewedItem): Promise<boolean> {
    const sending = { stream, ifLastIs: replaces, isElsewhere: replaces === arrival };
    const seq = await api.publish(names.queueSubject(item.id), packItem(item), sending);
    if (seq === undefined) return false;
    feed.use((view) => view.apply([{ item, seq, replaces }]));
    return true;
  }

  /** What the stream says of an item by now. */
  async function refresh(id: string): Promise<ViewedItem | undefined> {
    await feed.caughtUp();
    return feed.use((view) => view.find(id));
  }

  /** Changes an item that `token` holds. False where it is not held by it any more. */
  async function change(id: string, token: number, to: (item: QueuedItem) => QueuedItem): Promise<boolean> {
    checkName('id', id);
    let known = feed.use((view) => view.find(id)) ?? (await refresh(id));
    for (let i = 0; i < mostTries; i++) {
      // No claim has the token 0: it is of an item that nobody has claimed.
      if (known?.item.state !== 'live' || token === 0 || known.item.token !== token) return false;
      if (await write(to(known.item), known)) return true;
      known = await refresh(id);
    }
    throw contended(id);
  }

  async function lease(viewed: ViewedItem, until: number, holder: string): Promise<Claim | undefined> {
    const { item, seq } = viewed;
    const claimed: QueuedItem = { ...item, until, holder, token: seq };
    if (await write(claimed, viewed)) return claimOf(claimed);
    await refresh(item.id);
    return undefined;
  }

  async function claim({ partition, limit, leaseMs, holder }: ClaimOptions): Promise<Claim[]> {
    await feed.caughtUp();
    const claims: Claim[] = [];
    while (claims.length < limit && !stopped) {
      const now = serverClock.now();
      const until = now + leaseMs;
      const wanted = limit - claims.length;
      const taken = feed.use((view) => view.take(partition, wanted, now, until));
      if (taken.length === 0) break;
      const tried = await Promise.allSettled(taken.map((one) => lease(one, until, holder)));
      let failure: unknown;
      for (const outcome of tried) {
        if (outcome.status === 'rejected') failure = outcome.reason;
        else if (outcome.value !== undefined) claims.push(outcome.value);
      }
      if (failure === undefined) continue;
      // What was claimed is the caller's; what may have been is leased to nobody who knows, until the lease ends.
      if (claims.length === 0) throw failure;
      break;
    }
    return claims.sort((a, b) => a.priority - b.priority || a.position - b.position);
  }

  /** Which of these are on the queue, or left it so lately that they must not come again: they are left out of an arrival. */
  async function thereAlready(ids: readonly string[]): Promise<ReadonlySet<string>> {
    const known = [...feed.use((view) => view.known(ids)).keys()];
    if (known.length === 0) return new Set();
    await feed.caughtUp();
    const now = serverClock.now();
    const isThere = (found: ViewedItem | undefined): boolean =>
      found !== undefined && !isForgotten(found.item, now);
    return feed.use((view) => new Set(known.filter((id) => isThere(view.find(id)))));
  }

  /** Nobody looks whether it is there: the stream's order says which arrival of an id counts, and the view knows it. */
  const arrive = gathered<Arriving, boolean>({
    calls: mostTogether,
    bytes: mostTogetherBytes,
    sizeOf: ({ line }) => line.length,
    async perform(items) {
      const there = await thereAlready(items.map(({ id }) => id));
      const byId = new Map<string, Arriving>();
      for (const item of items) if (!there.has(item.id) && !byId.has(item.id)) byId.set(item.id, item);
      if (byId.size === 0) return items.map(() => false);
      const data = packArrival([...byId.values()].map(({ line }) => line));
      const { seen } = feed;
      const seq = (await api.publish(names.arrivalSubject(randomUUID()), data, { stream })) ?? 0;
      if (seq <= seen) throw streamReplaced(stream, seq);
      await feed.reached(seq);
      const known = feed.use((view) => view.known([...byId.keys()]));
      // What was acknowledged is there. Whoever does not see it must not say that it was there before.
      if (known.size < byId.size) throw notShown(stream, seq);
      return items.map((item) => byId.get(item.id) === item && known.get(item.id) === seq);
    },
  });

  async function sweepArrivals(): Promise<void> {
    const spent = feed.use((view) => view.spentArrivals(sweptPerTurn));
    await inParallel(spent, sweptAtATime, async ({ seq }) => {
      if (stopped) return;
      await api.removeOne(stream, seq);
      if (!stopped) feed.use((view) => view.forgetArrival(seq));
    });
  }

  async function sweep(): Promise<void> {
    const ended = feed.use((view) => view.ended(serverClock.now(), sweptPerTurn));
    await inParallel(ended, sweptAtATime, async ({ item, seq }) => {
      if (stopped) return;
      const subject = names.queueSubject(item.id);
      const there = await api.standing(stream, subject);
      if (there !== undefined && there.counts.seq !== seq) return;
      // Those behind it lost against it, and must not come to count.
      await api.remove(stream, subject, there?.last ?? seq, seq);
      if (!stopped) feed.use((view) => view.forget(item.id));
    });
  }

  function scheduleSweep(): void {
    sweeping = clock.after(sweepEveryMs * (0.5 + Math.random()), () => {
      // Whatever failed is tried again; nothing depends on it but room.
      sweepArrivals()
        .then(sweep)
        .catch(() => {})
        .then(() => !stopped && scheduleSweep());
    });
  }

  scheduleSweep();
  return {
    behind: () => feed.behind,
    async enqueue(item) {
      checkItem(item);
      return arrive({ id: item.id, line: lineOf(newItem(item, (at) => serverClock.toServer(at))) });
    },
    async claim(options) {
      checkName('partition', options.partition);
      checkName('holder', options.holder);
      checkInteger('limit', options.limit, 1, engineLimits.itemsPerClaim);
      const leaseMs = wholeMs('leaseMs', options.leaseMs, 1);
      return claim({ ...options, leaseMs });
    },
    async claimOne(id, options) {
      checkName('id', id);
      checkName('holder', options.holder);
      const leaseMs = wholeMs('leaseMs', options.leaseMs, 1);
      const there = await refresh(id);
      const now = serverClock.now();
      if (there === undefined || !feed.use((view) => view.isFree(there, now))) return undefined;
      return lease(there, now + leaseMs, options.holder);
    },
    async extend(id, token, leaseMs) {
      const prolongedMs = wholeMs('leaseMs', leaseMs, 1);
      return change(id, token, (item) => ({ ...item, until: serverClock.now() + prolongedMs }));
    },
    settle: async (id, token) =>
      change(id, token, (item) => ({ ...item, state: 'settled', until: serverClock.now() + settledKeptMs })),
    async postpone(id, token, notBefore) {
      const due = wholeMs('notBefore', notBefore);
      return change(id, token, ({ holder, ...item }) => ({
        ...item,
        notBefore: due,
        until: serverClock.toServer(due),
      }));
    },
    deadLetter: async (id, token) =>
      change(id, token, (item) => ({ ...item, state: 'dead', until: serverClock.now() + deadKeptMs })),
    async revive(item, token) {
      checkItem(item);
      const again = newItem(item, (at) => serverClock.toServer(at));
      for (let i = 0; i < mostTries; i++) {
        const there = await refresh(item.id);
        if (there === undefined || isForgotten(there.item, serverClock.now())) {
          return arrive({ id: item.id, line: lineOf(again) });
        }
        const { state, token: held } = there.item;
        if (state === 'settled' || (state === 'live' && (held === 0 || held !== token))) return false;
        // With the token of a claim that nobody made, whoever held it before is refused.
        if (await write({ ...again, token: there.seq }, there)) return true;
      }
      throw contended(item.id);
    },
    async remove(id) {
      checkName('id', id);
      for (let i = 0; i < mostTries; i++) {
        const there = await refresh(id);
        const now = serverClock.now();
        if (there === undefined || there.item.state !== 'live') return false;
        if (there.item.holder !== undefined && there.item.until > now) return false;
        if (await write({ ...there.item, state: 'removed', until: now + removedKeptMs }, there)) return true;
      }
      throw contended(id);
    },
    async backlog() {
      await feed.caughtUp();
      const rows = feed.use((view) => view.backlog(serverClock.now()));
      return rows.map(({ nextDueAt, ...row }) => ({
        ...row,
        nextDueAt: nextDueAt === undefined ? undefined : serverClock.fromServer(nextDueAt),
      }));
    },
    async oldest() {
      await feed.caughtUp();
      return feed.use((view) => view.oldest());
    },
    async holdsOrderKey(orderKey) {
      checkName('orderKey', orderKey);
      await feed.caughtUp();
      return feed.use((view) => view.holdsOrderKey(orderKey));
    },
    stop() {
      stopped = true;
      sweeping?.cancel();
      feed.stop();
    },
  };
}

function checkItem({ id, partition, priority, position, orderKey, notBefore }: QueueItem): void {
  checkName('id', id);
  checkName('partition', partition);
  checkInteger('priority', priority, 1);
  checkInteger('position', position, 0);
  if (orderKey !== undefined) checkName('orderKey', orderKey);
  if (notBefore !== undefined) wholeMs('notBefore', notBefore);
}

function newItem(item: QueueItem, toServer: (at: number) => number): QueuedItem {
  const { id, partition, priority, position, orderKey } = item;
  const notBefore = item.notBefore === undefined ? undefined : wholeMs('notBefore', item.notBefore);
  return {
    id,
    partition,
    priority,
    position,
    ...(orderKey !== undefined && { orderKey }),
    ...(notBefore !== undefined && { notBefore }),
    state: 'live',
    until: notBefore === undefined ? 0 : toServer(notBefore),
    token: 0,
  };
}

function claimOf({ id, partition, priority, position, orderKey, notBefore, token }: QueuedItem): Claim {
  return {
    id,
    partition,
    priority,
    position,
    token,
    ...(orderKey !== undefined && { orderKey }),
    ...(notBefore !== undefined && { notBefore }),
  };
}

function contended(id: string): EngineError {
  return new EngineError('engine-unavailable', 'none', `The item ${id} is written by too many at once.`);
}
