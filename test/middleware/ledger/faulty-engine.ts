import type { OpenEngine } from '../../../packages/middleware/src/engines/engine.ts';
import { EngineError } from '../../../packages/middleware/src/engines/engine-error.ts';

/**
 * What becomes of one write: it is refused; it is not done, and nobody can tell; it is done, and its answer is an error
 * all the same.
 */
export type Fault = 'failed' | 'failed, with its fate unknown' | 'failed, but the bytes persisted';

/** Which write fails: the `at`th from 0 on of all that go through. */
export interface Plan {
  readonly at: number;
  readonly fault: Fault;
}

/** A real engine of which one write fails. */
export interface FaultyEngine {
  readonly engine: OpenEngine;
  /** The writes that went through it, with what is different from one deferral to the next left out. */
  readonly writes: readonly string[];
}

/** Puts a plan between a ledger and its engine; without one everything goes through and is written down. */
export function faultyEngine(inner: OpenEngine, plan?: Plan): FaultyEngine {
  const writes: string[] = [];

  async function through<T>(name: string, key: string, write: () => Promise<T>): Promise<T> {
    const at = writes.push(key === '' ? name : `${name} ${kindOf(key)}`) - 1;
    if (plan?.at !== at) return write();
    const unknown = plan.fault !== 'failed';
    if (plan.fault === 'failed, but the bytes persisted') await write();
    throw new EngineError(
      'engine-unavailable',
      unknown ? 'unknown' : 'none',
      `write ${at} (${name}) ${plan.fault}`,
    );
  }

  const { log, store, queue, wrappedKeys } = inner;
  const { appendSealed } = log;
  return {
    writes,
    engine: {
      ...inner,
      log: {
        ...log,
        append: (entries) => through('log.append', '', () => log.append(entries)),
        appendSealed:
          appendSealed &&
          ((entries, first, key, ...rest) =>
            through('log.appendSealed', key, () => appendSealed(entries, first, key, ...rest))),
      },
      store: {
        ...store,
        create: (key, ...rest) => through('store.create', key, () => store.create(key, ...rest)),
        put: (key, ...rest) => through('store.put', key, () => store.put(key, ...rest)),
        update: (key, ...rest) => through('store.update', key, () => store.update(key, ...rest)),
        delete: (key, ...rest) => through('store.delete', key, () => store.delete(key, ...rest)),
      },
      queue: {
        ...queue,
        enqueue: (item) => through('queue.enqueue', '', () => queue.enqueue(item)),
        claim: (query) => through('queue.claim', '', () => queue.claim(query)),
        settle: (...args) => through('queue.settle', '', () => queue.settle(...args)),
        remove: (...args) => through('queue.remove', '', () => queue.remove(...args)),
      },
      wrappedKeys: {
        ...wrappedKeys,
        create: (key, ...rest) => through('wrappedKeys.create', key, () => wrappedKeys.create(key, ...rest)),
        update: (key, ...rest) => through('wrappedKeys.update', key, () => wrappedKeys.update(key, ...rest)),
        destroy: (key) => through('wrappedKeys.destroy', key, () => wrappedKeys.destroy(key)),
      },
    },
  };
}

/** `payload/<id>`: what comes behind the first slash is of one deferral, tile or block alone. */
const kindOf = (key: string): string => key.replace(/^([^/]+)\/.*$/, '$1/');
