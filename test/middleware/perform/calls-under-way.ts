import type { OpenEngine } from '../../../packages/middleware/src/engines/engine.ts';

/** The engine, with each call to its log, its store and its queue counted for as long as it is under way. */
export function countCalls(engine: OpenEngine, calls: { underWay: number }): OpenEngine {
  return {
    ...engine,
    log: counted(engine.log, calls),
    store: counted(engine.store, calls),
    queue: counted(engine.queue, calls),
  };
}

function counted<Part extends object>(part: Part, calls: { underWay: number }): Part {
  return new Proxy(part, {
    get(target, name) {
      const member: unknown = Reflect.get(target, name);
      if (typeof member !== 'function') return member;
      return async (...args: unknown[]) => {
        calls.underWay += 1;
        try {
          return await Reflect.apply(member, target, args);
        } finally {
          calls.underWay -= 1;
        }
      };
    },
  });
}
