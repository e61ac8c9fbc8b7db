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

/** What a source gave. */
export interface Given {
  readonly item: unknown;
}

/** A source that is being read. */
export interface ItemReader {
  /** The next item, at once where it is there; undefined at the end. Asked again only after it has answered, or not at all. */
  next(): Given | undefined | Promise<Given | undefined>;
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
  let pulling: Promise<Given | undefined> | undefined;
  let ended = false;

  function take(given: Given | undefined): Given | undefined {
    if (given === undefined) ended = true;
    else kept.push(given.item);
    return given;
  }

  function pull(): ReturnType<ItemReader['next']> {
    if (ended || kept.length >= most) return undefined;
    if (pulling !== undefined) return pulling;
    iterator ??= iteratorOf(sequence);
    const given = nextOf(iterator);
    if (!(given instanceof Promise)) return take(given);
    pulling = given.then(take).finally(() => {
      pulling = undefined;
    });
    return pulling;
  }

  return {
    async open() {
      const first = [...kept][Symbol.iterator]();
      return {
        next() {
          const { done, value } = first.next();
          return done === true ? pull() : { item: value };
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
  return { next: () => nextOf(iterator), end: () => endOf(iterator) };
}

function nextOf(iterator: AnyIterator): ReturnType<ItemReader['next']> {
  const step: unknown = iterator.next();
  const isPromise = typeof (step as { readonly then?: unknown } | null | undefined)?.then === 'function';
  return isPromise ? Promise.resolve(step).then(givenIn) : givenIn(step);
}

function givenIn(step: unknown): Given | undefined {
  if (typeof step !== 'object' || step === null) throw new Error('its iterator gave no result');
  const { done, value } = step as Partial<IteratorResult<unknown>>;
  return done === true ? undefined : { item: value };
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

/** Takes items out of an array, which stays the same array. They are mostly at its front: what is behind the last of them is moved in one piece. */
function removeFrom(items: unknown[], done: ReadonlySet<unknown>): void {
  let at = 0;
  let kept = 0;
  let toFind = done.size;
  for (; toFind > 0 && at < items.length; at++) {
    const item = items[at];
    if (done.has(item)) toFind -= 1;
    else items[kept++] = item;
  }
  items.splice(kept, at - kept);
}
