import type { OpenEngine } from '../../engines/engine.ts';
import type { EngineStore, StoredItem, StoredValue } from '../../engines/store.ts';
import { CommandFailed } from '../failures.ts';
import { inParallel } from './in-parallel.ts';
import { keptValues } from './kept-values.ts';

/**
 * Carries what the source keeps in its store and nowhere else, with its expiry.
 * Crash points: each value is whole or not there, and the next run looks at all of them again.
 */
export async function copyStore(
  source: OpenEngine,
  target: OpenEngine,
  onValues: (count: number) => void,
): Promise<void> {
  let count = 0;
  for await (const page of keptValues(source.store)) {
    await inParallel(page, (item) => carry(target.store, item));
    count += page.length;
    onValues(count);
  }
}

/**
 * Compares what {@link copyStore} carried. Rejects with a {@link CommandFailed} where the source has something that the
 * target has not: somebody wrote to one of them meanwhile.
 */
export async function compareStores(
  source: OpenEngine,
  target: OpenEngine,
  onValues: (count: number) => void,
): Promise<void> {
  let count = 0;
  for await (const page of keptValues(source.store)) {
    await inParallel(page, async (item) => {
      if (isSame(await target.store.get(item.key), item) || !(await isStill(source.store, item))) return;
      throw new CommandFailed(
        `${item.key} is another in the source and in the target: somebody wrote to one of them meanwhile. End the application, ` +
          'and run the same command again; it goes on from here',
      );
    });
    count += page.length;
    onValues(count);
  }
}

/** How many values a ledger keeps in its store and nowhere else, blocks and identity left out. */
export async function countValues({ store }: OpenEngine): Promise<number> {
  let count = 0;
  for await (const page of keptValues(store)) count += page.length;
  return count;
}

async function carry(store: EngineStore, { key, value, expiresAt }: StoredItem): Promise<void> {
  const options = expiresAt === undefined ? {} : { expiresAt };
  if ((await store.create(key, value, options)) !== undefined) return;
  if (!isSame(await store.get(key), { value, expiresAt })) await store.put(key, value, options);
}

/** What expired since it was listed is missed by nobody. */
async function isStill(store: EngineStore, item: StoredItem): Promise<boolean> {
  return (await store.get(item.key)) !== undefined;
}

function isSame(
  stored: StoredValue | undefined,
  { value, expiresAt }: { readonly value: Uint8Array; readonly expiresAt?: number | undefined },
): boolean {
  return stored !== undefined && stored.expiresAt === expiresAt && Buffer.compare(stored.value, value) === 0;
}
