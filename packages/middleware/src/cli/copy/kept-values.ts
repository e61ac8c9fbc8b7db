import type { EngineStore, StoredItem } from '../../engines/store.ts';
import { identityKey } from '../../ledger/identity.ts';
import { cachePrefixes } from '../../ledger/stored-keys.ts';

const valuesPerPage = 500;

/** Blocks are carried with the log, and the identity comes last. */
const apart = ['blocks/', identityKey, ...cachePrefixes];

/**
 * What a ledger keeps in its store and nowhere else, by key, a page at a time: everything but blocks, identity, and the
 * caches, which the target makes for itself.
 */
export async function* keptValues(store: EngineStore): AsyncGenerator<readonly StoredItem[]> {
  let after: string | undefined;
  for (;;) {
    const page: readonly StoredItem[] = await store.list('', {
      limit: valuesPerPage,
      ...(after !== undefined && { after }),
    });
    const last = page.at(-1);
    if (last === undefined) return;
    const kept = page.filter(({ key }) => !apart.some((prefix) => key.startsWith(prefix)));
    if (kept.length > 0) yield kept;
    after = beyond(last.key);
  }
}

/** Where the list goes on. A page that ends among what is left out skips the rest of it. */
function beyond(key: string): string {
  const prefix = apart.find((one) => one.endsWith('/') && key.startsWith(one));
  // No character that a key may have is greater.
  return prefix === undefined ? key : prefix.padEnd(Math.max(prefix.length + 1, 256), 'z');
}
