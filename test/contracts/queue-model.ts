import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { EngineQueue, QueueItem } from '../../packages/middleware/src/engines/queue.ts';
import type { EngineUnderTest, MakeEngineUnderTest } from './engine-under-test.ts';

/** The queue contract in the plainest words: a list that is gone through for each question. */
class PlainQueue {
  readonly items = new Map<string, QueueItem & { dueAt: number; leased: boolean; token: number }>();
  readonly ended = new Set<string>();
  readonly dead = new Map<string, QueueItem>();

  enqueue(item: QueueItem): boolean {
    if (this.items.has(item.id) || this.ended.has(item.id)) return false;
    this.#enter(item);
    return true;
  }

  /** Undefined where the queue is not asked: it never knew the id. */
  reviving(
    id: string,
  ): { readonly item: QueueItem; readonly token: number; readonly comes: boolean } | undefined {
    const held = this.items.get(id);
    const item = held ?? this.dead.get(id);
    if (item === undefined) return undefined;
    const { notBefore: _, ...again } = plainItem(item);
    return { item: again, token: held?.token ?? 0, comes: held === undefined || held.token > 0 };
  }

  revive(item: QueueItem): void {
    this.dead.delete(item.id);
    this.ended.delete(item.id);
    this.#enter(item);
  }

  #enter(item: QueueItem): void {
    this.items.set(item.id, { ...item, dueAt: item.notBefore ?? 0, leased: false, token: -1 });
  }

  claimable(partition: string, now: number): string[] {
    const all = [...this.items.values()];
    return all
      .filter((item) => item.partition === partition && item.dueAt <= now)
      .filter(({ orderKey, position }) => {
        return orderKey === undefined || !all.some((o) => o.orderKey === orderKey && o.position < position);
      })
      .toSorted((one, other) => one.priority - other.priority || one.position - other.position)
      .map(({ id }) => id);
  }

  backlog(now: number): { partition: string; items: number; duePriority: number | undefined }[] {
    const partitions = new Set([...this.items.values()].map(({ partition }) => partition));
    return [...partitions].toSorted().map((partition) => ({
      partition,
      items: [...this.items.values()].filter((item) => item.partition === partition).length,
      duePriority: this.items.get(this.claimable(partition, now)[0] ?? '')?.priority,
    }));
  }
}

function plainItem({ id, partition, priority, position, orderKey, notBefore }: QueueItem): QueueItem {
  const more = { ...(orderKey !== undefined && { orderKey }), ...(notBefore !== undefined && { notBefore }) };
  return { id, partition, priority, position, ...more };
}

type Command =
  | { readonly kind: 'enqueue'; readonly item: QueueItem; readonly inMs: number | undefined }
  | { readonly kind: 'claim'; readonly partition: string; readonly limit: number; readonly leaseMs: number }
  | { readonly kind: 'settle' | 'deadLetter' | 'remove' | 'revive'; readonly id: string }
  | { readonly kind: 'postpone'; readonly id: string; readonly inMs: number }
  | { readonly kind: 'pass'; readonly ms: number };

const partition = fc.constantFrom('p', 'q');
const position = fc.integer({ min: 0, max: 19 });
const id = position.map((each) => `i${each}`);
/** Any run of calls. Times are multiples of a unit, so long that what the calls themselves take does not matter. */
function runs({ unitMs, timePasses }: ModelTime): fc.Arbitrary<Command[]> {
  const ms = fc.integer({ min: 1, max: 60 }).map((units) => units * unitMs);
  const enqueue: fc.Arbitrary<Command> = fc
    .record({
      position,
      partition,
      priority: fc.integer({ min: 1, max: 3 }),
      orderKey: fc.constantFrom('k', 'l', undefined),
      inMs: fc.option(ms, { nil: undefined, freq: 3 }),
    })
    .map(({ orderKey, inMs, ...rest }) => ({
      kind: 'enqueue',
      inMs,
      item: { id: `i${rest.position}`, ...rest, ...(orderKey === undefined ? {} : { orderKey }) },
    }));
  const command: fc.Arbitrary<Command> = fc.oneof(
    { arbitrary: enqueue, weight: 4 },
    {
      arbitrary: fc.record({
        kind: fc.constant('claim' as const),
        partition,
        limit: fc.integer({ min: 1, max: 4 }),
        leaseMs: ms,
      }),
      weight: 4,
    },
    fc.record({ kind: fc.constantFrom('settle', 'deadLetter', 'remove', 'revive'), id }),
    fc.record({ kind: fc.constant('postpone' as const), id, inMs: fc.oneof(ms, fc.constant(0)) }),
    { arbitrary: fc.record({ kind: fc.constant('pass' as const), ms }), weight: timePasses ? 1 : 0 },
  );
  return fc.array(command, { minLength: 10, maxLength: 60 });
}

async function step(queue: EngineQueue, plain: PlainQueue, { clock, pass }: EngineUnderTest, of: Command) {
  const now = clock.wallNow();
  if (of.kind === 'pass') return await pass(of.ms);
  if (of.kind === 'enqueue') {
    const item = of.inMs === undefined ? of.item : { ...of.item, notBefore: now + of.inMs };
    return expect(await queue.enqueue(item)).toBe(plain.enqueue(item));
  }
  if (of.kind === 'claim') {
    const expected = plain.claimable(of.partition, now).slice(0, of.limit);
    const claims = await queue.claim({ ...of, holder: 'model' });
    expect(claims.map((claim) => claim.id)).toEqual(expected);
    for (const { id: claimed, token } of claims) {
      const held = plain.items.get(claimed);
      if (held === undefined) throw new Error(`${claimed} was claimed and is not there`);
      expect(token).toBeGreaterThan(held.token);
      Object.assign(held, { token, leased: true, dueAt: now + of.leaseMs });
    }
    return;
  }
  const held = plain.items.get(of.id);
  if (of.kind === 'revive') {
    const reviving = plain.reviving(of.id);
    if (reviving === undefined) return;
    expect(await queue.revive(reviving.item, reviving.token)).toBe(reviving.comes);
    if (reviving.comes) plain.revive(reviving.item);
    return;
  }
  if (of.kind === 'remove') {
    const free = held !== undefined && !(held.leased && held.dueAt > now);
    expect(await queue.remove(of.id)).toBe(free);
    if (free) plain.items.delete(of.id);
    return;
  }
  const token = held?.token ?? 1;
  const holds = held !== undefined && held.token > 0;
  if (of.kind === 'postpone') {
    expect(await queue.postpone(of.id, token, now + of.inMs)).toBe(holds);
    if (holds) Object.assign(held, { leased: false, dueAt: now + of.inMs, notBefore: now + of.inMs });
    return;
  }
  expect(await queue[of.kind](of.id, token)).toBe(holds);
  if (!holds) return;
  plain.items.delete(of.id);
  plain.ended.add(of.id);
  if (of.kind === 'deadLetter') plain.dead.set(of.id, plainItem(held));
}

/** How time is in a model. */
export interface ModelTime {
  readonly unitMs: number;
  /** Whether runs let time pass: where that is waiting, they don't. */
  readonly timePasses: boolean;
}

/** The queue of an engine against the contract in its plainest words. */
export function queueModel(make: MakeEngineUnderTest, time: ModelTime): void {
  it('answers any run of calls as the contract in its plainest words does', async () => {
    const under = await make();
    const engine = under.makeEngine();
    let run = 0;
    try {
      await fc.assert(
        fc.asyncProperty(runs(time), async (commands) => {
          run += 1;
          const open = await engine.open({ application: 'model', group: `run ${run}`, clock: under.clock });
          try {
            const plain = new PlainQueue();
            for (const each of commands) {
              await step(open.queue, plain, under, each);
              const backlog = await open.queue.backlog();
              expect(backlog).toMatchObject(plain.backlog(under.clock.wallNow()));
            }
          } finally {
            await open.close();
          }
        }),
        { numRuns: 25 },
      );
    } finally {
      await under.dispose();
    }
  });
}
