/** How many calls may be under way. */
export interface GroupLimits {
  /** Of one group. */
  readonly maxConcurrency: number;
  /** Of all. */
  readonly maxInFlight: number;
  readonly itemsPerCall: number;
}

/** What may be begun for a group. */
export interface GroupCalls<Item> {
  /** Whether the next call may begin now: `wait` where it may once another of the group has ended, `stop` where it may not in this round. */
  mayBegin(group: string, underWay: number): 'yes' | 'wait' | 'stop';
  /** Never rejects. */
  call(group: string, items: readonly Item[]): Promise<void>;
  /** Those of a group that were not begun. */
  leave(group: string, items: readonly Item[]): void;
}

/** Calls for all items, each group's in their order, within the limits. Resolves when every call has ended. */
export function inGroups<Item>(
  groups: ReadonlyMap<string, readonly Item[]>,
  { maxConcurrency, maxInFlight, itemsPerCall }: GroupLimits,
  { mayBegin, call, leave }: GroupCalls<Item>,
): Promise<void> {
  const waiting = new Map([...groups].map(([name, items]) => [name, { items, from: 0, underWay: 0 }]));
  let inFlight = 0;

  return new Promise((resolve) => {
    function begin(
      name: string,
      group: { readonly items: readonly Item[]; from: number; underWay: number },
    ): void {
      const items = group.items.slice(group.from, group.from + itemsPerCall);
      group.from += items.length;
      if (group.from >= group.items.length) waiting.delete(name);
      group.underWay += 1;
      inFlight += 1;
      void call(name, items).then(() => {
        group.underWay -= 1;
        inFlight -= 1;
        goOn();
      });
    }

    function goOn(): void {
      for (const [name, group] of waiting) {
        while (waiting.has(name) && inFlight < maxInFlight && group.underWay < maxConcurrency) {
          const may = mayBegin(name, group.underWay);
          if (may === 'wait') break;
          if (may === 'yes') begin(name, group);
          else {
            waiting.delete(name);
            leave(name, group.items.slice(group.from));
          }
        }
        if (inFlight >= maxInFlight) break;
      }
      if (inFlight === 0) resolve();
    }

    goOn();
  });
}
