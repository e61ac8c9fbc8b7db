import type { BatchItem, BatchSource, SourceAsked } from './batch-types.ts';

/** A source as runs read it. What it gives is unchecked. */
export interface ItemSource {
  /** Its items from the first that waits on. Rejects with what the source throws. */
  open(asked: SourceAsked): Promise<ItemReader>;
  /** Those are done: they are not given again. */
  settle(done: ReadonlySet<unknown>): void;
  /** The items that are known to wait without asking anybody. */
  waiting(): Iterable<unknown>;
  /** Nothing is read any more. */
  close(): void;
}

/** A source that is being read. */
export interface ItemReader {
  /** The next item; undefined at the end. Asked again only after it has answered, or not at all. */
  next(): Promise<{ readonly item: unknown } | undefined>;
  /** No more of it is wanted in this run. */
  end(): void;
}

/** The source that the option describes. @param most so many items of an iterable are kept while they are not done */
export function itemSource(source: BatchSource<BatchItem>, most: number): ItemSource {
  if (Array.isArray(source)) return queueSource(source);
  if (typeof source === 'function') return askedSource(source);
  return readOnceSource(source, most);
}

/** The host's own queue: what is done is taken out of the very array. */
function queueSource(queue: BatchItem[]): ItemSource {
  return {
    async open() {
      // What is pushed meanwhile waits for the next run.
      return readerOf([...queue][Symbol.iterator]());
    },
    settle: (done) => removeFrom(queue, done),
    waiting: () => queue,
    close() {},
  };
}

/** Asked anew in each run. */
function askedSource(ask: Extract<BatchSource<BatchItem>, (...asked: never[]) => unknown>): ItemSource {
  return {
    async open(asked) {
      const given: unknown = await ask(asked);
      return readerOf(iteratorOf(given));
    },
    settle() {},
    waiting: () => [],
    close() {},
  };
}

/** Read on where the last run stopped; what was read and is not done comes first. */
function readOnceSource(sequence: unknown, most: number): ItemSource {
  const kept: unknown[] = [];
  let iterator: AnyIterator | undefined;
  /** What was asked for and has not come: the next run waits for the same. */
  let pulling: Promise<{ readonly item: unknown } | undefined> | undefined;
  let ended = false;

  async function pull(): Promise<{ readonly item: unknown } | undefined> {
    iterator ??= iteratorOf(sequence);
    const { done, value } = (await iterator.next()) as IteratorResult<unknown>;
    if (done === true) {
      ended = true;
      return undefined;
    }
    kept.push(value);
    return { item: value };
  }

  function pullOne(): Promise<{ readonly item: unknown } | undefined> {
    if (ended || kept.length >= most) return Promise.resolve(undefined);
    pulling ??= pull().finally(() => {
      pulling = undefined;
    });
    return pulling;
  }

  return {
    async open() {
      const first = [...kept][Symbol.iterator]();
      return {
        async next() {
          const { done, value } = first.next();
          return done === true ? pullOne() : { item: value };
        },
        end() {},
      };
    },
    settle: (done) => removeFrom(kept, done),
    waiting: () => kept,
    close() {
      ended = true;
      endOf(iterator);
    },
  };
}

/** What both kinds of iterators are. */
interface AnyIterator {
  next(): unknown;
  return?: (() => unknown) | undefined;
}

function readerOf(iterator: AnyIterator): ItemReader {
  return {
    async next() {
      const { done, value } = (await iterator.next()) as IteratorResult<unknown>;
      return done === true ? undefined : { item: value };
    },
    end: () => endOf(iterator),
  };
}

/** Tells it that no more is wanted; nobody waits for what it does then. */
function endOf(iterator: AnyIterator | undefined): void {
  void (async () => iterator?.return?.())().catch(() => {});
}

function iteratorOf(given: unknown): AnyIterator {
  const iterable = (given ?? {}) as Partial<AsyncIterable<unknown> & Iterable<unknown>>;
  // A text is a sequence of characters, and never of items.
  const iterator =
    typeof given === 'string'
      ? undefined
      : (iterable[Symbol.asyncIterator]?.() ?? iterable[Symbol.iterator]?.());
  if (iterator === undefined) throw new NoSequenceError(given);
  return iterator;
}

/** Thrown where a source gave something that has no items. */
export class NoSequenceError extends Error {
  readonly given: unknown;

  constructor(given: unknown) {
    super('it gave no sequence of items');
    this.given = given;
  }
}

/** Takes items out of an array, which stays the same array, in one pass. */
function removeFrom(items: unknown[], done: ReadonlySet<unknown>): void {
  let kept = 0;
  for (const item of items) if (!done.has(item)) items[kept++] = item;
  items.length = kept;
}
