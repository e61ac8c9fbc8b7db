/**
 * What `load` gives for each item, in their order, where up to `ahead` are being loaded before they are asked for. Whoever stops
 * reading leaves what is under way alone.
 */
export async function* inAdvance<Item, Loaded>(
  items: Iterable<Item>,
  ahead: number,
  load: (item: Item) => Promise<Loaded>,
): AsyncGenerator<Loaded> {
  const loading: Promise<Loaded>[] = [];
  for (const item of items) {
    const next = load(item);
    // It is awaited later, or by nobody.
    next.catch(() => {});
    loading.push(next);
    const first = loading.length > ahead ? loading.shift() : undefined;
    if (first !== undefined) yield await first;
  }
  for (const each of loading) yield await each;
}
