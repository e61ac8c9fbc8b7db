import { describe, expect, it } from 'vitest';
import type { EngineStore } from '../../../packages/middleware/src/engines/store.ts';
import { openLookup } from '../../../packages/middleware/src/ledger/lookup.ts';
import { openRequesters } from '../../../packages/middleware/src/ledger/requesters.ts';
import { openVault } from '../../../packages/middleware/src/ledger/vault.ts';

/** One value, and how often it was tried to make it. */
function oneValueStore() {
  let value: Uint8Array | undefined;
  let creates = 0;
  const store = {
    async get() {
      return value && { value, revision: 1 };
    },
    async create(_key: string, made: Uint8Array) {
      creates += 1;
      if (value !== undefined) return undefined;
      value = made;
      return 1;
    },
  } as unknown as EngineStore;
  return { store, creates: () => creates };
}

describe('the pseudonym of a requester', () => {
  it('is made once where one who comes for the first time comes with many requests at once', async () => {
    const { store, creates } = oneValueStore();
    const lookup = openLookup(new Uint8Array(32).fill(1));
    const vault = openVault({ id: '01020304', key: new Uint8Array(32).fill(2) });
    const requesters = openRequesters(store, lookup, vault);
    const asked = Array.from({ length: 300 }, () => requesters.pseudonym('somebody'));
    expect(new Set(await Promise.all(asked)).size).toBe(1);
    expect(creates()).toBe(1);
  });
});
