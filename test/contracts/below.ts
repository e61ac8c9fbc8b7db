import type { Engine } from '../../packages/middleware/src/engines/engine.ts';
import type { EngineStore, StoredItem } from '../../packages/middleware/src/engines/store.ts';
import type { MakeEngineUnderTest } from './engine-under-test.ts';

/** The same engines, each with a store that is the part of its store below a first segment. */
export function below(segment: string, make: MakeEngineUnderTest): MakeEngineUnderTest {
  return async () => {
    const under = await make();
    return { ...under, makeEngine: () => engineBelow(`${segment}/`, under.makeEngine()) };
  };
}

function engineBelow(prefix: string, engine: Engine): Engine {
  return {
    ...engine,
    async open(options) {
      const opened = await engine.open(options);
      return { ...opened, store: storeBelow(prefix, opened.store) };
    },
  };
}

function storeBelow(prefix: string, store: EngineStore): EngineStore {
  const stripped = (item: StoredItem): StoredItem => ({ ...item, key: item.key.slice(prefix.length) });
  return {
    get: (key) => store.get(prefix + key),
    create: (key, ...rest) => store.create(prefix + key, ...rest),
    put: (key, ...rest) => store.put(prefix + key, ...rest),
    update: (key, ...rest) => store.update(prefix + key, ...rest),
    delete: (key, ...rest) => store.delete(prefix + key, ...rest),
    async list(of, { after, ...options }) {
      const items = await store.list(prefix + of, {
        ...options,
        ...(after !== undefined && { after: prefix + after }),
      });
      return items.map(stripped);
    },
  };
}
