import { orderText } from '../order.ts';

/** What every job carries: as much as a deferred order. */
export const payload: unknown = JSON.parse(orderText);

/** A queue as the benchmark uses it: one of ours, or a peer's. */
export interface Contender {
  /** Puts one job on the queue; resolves when it is durable. */
  add(): Promise<unknown>;
  /** Puts so many on the queue as quickly as its interface can; resolves when they are durable. */
  addMany(count: number): Promise<unknown>;
  /** Begins performing what is on the queue, each job by a call of `job`; gives what ends that. */
  perform(job: (given: unknown) => void): Promise<() => Promise<unknown>>;
  /** How many jobs are not durably done. */
  remaining(): Promise<number>;
  /** Sees to an empty queue. `toPerform`: what is put on it next is to be performed; else it stays. */
  empty(toPerform: boolean): Promise<unknown>;
}

/** What the process of a contender can be asked. */
export interface QueueProcess {
  /** Durable jobs per second of so many callers, each putting its next on the queue when its last was durable. */
  enqueue(callers: number, forMs: number): Promise<number>;
  /** The same in batches of so many, one batch after another. */
  enqueueMany(perBatch: number, forMs: number): Promise<number>;
  /** Jobs performed per second: so many as were performed in some `forMs` the time before, from the first call until all are durably done. */
  perform(forMs: number): Promise<number>;
}
