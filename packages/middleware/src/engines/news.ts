/**
 * What a host hears of the others' writes as they are made, instead of when it looks next. Hints and nothing more: one may
 * be missing, be late, or tell of what is no longer so. Whoever waits for something goes on looking for it.
 */
export interface NewsOfOthers {
  /** Only keys of the store that begin with this are told of. The same on every host: each tells the others by its own. */
  readonly keyPrefix: string;
  /** An item of that partition was put on the queue, and is due. */
  enqueued(partition: string): void;
  /** An item was put back, and is due at that time (Unix milliseconds). */
  due(at: number): void;
  /** A key that was there has another value. */
  changed(key: string): void;
}
