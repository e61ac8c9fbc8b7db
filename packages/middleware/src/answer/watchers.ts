/** Those who wait for something to change, by its id. */
export interface Watchers {
  /** Returns how to end it. */
  watch(id: string, listener: () => void): () => void;
  changed(id: string): void;
}

/** Makes a place where changes are waited for; it holds nothing but those who wait. */
export function makeWatchers(): Watchers {
  const byId = new Map<string, Set<() => void>>();
  return {
    watch(id, listener) {
      const own = byId.get(id) ?? new Set();
      byId.set(id, own.add(listener));
      return () => {
        own.delete(listener);
        if (own.size === 0 && byId.get(id) === own) byId.delete(id);
      };
    },
    changed(id) {
      for (const listener of [...(byId.get(id) ?? [])]) listener();
    },
  };
}
