import { describe, expect, it } from 'vitest';
import type { EngineStore } from '../../../packages/middleware/src/engines/store.ts';
import type { WrappedKeys } from '../../../packages/middleware/src/engines/wrapped-keys.ts';
import { openDataKeys } from '../../../packages/middleware/src/ledger/data-keys.ts';
import { openKeyRing } from '../../../packages/middleware/src/ledger/key-ring.ts';
import { createKeyFile, parseKeyFile } from '../../../packages/middleware/src/ledger/keys.ts';
import { openLookup } from '../../../packages/middleware/src/ledger/lookup.ts';
import { openRequesters } from '../../../packages/middleware/src/ledger/requesters.ts';

/** A store with what these questions need, and how often each was asked. */
function smallStore() {
  const values = new Map<string, Uint8Array>();
  const asked = { get: 0, create: 0 };
  const get = async (key: string) => {
    asked.get += 1;
    const value = values.get(key);
    return value && { value, revision: 1 };
  };
  const create = async (key: string, made: Uint8Array) => {
    asked.create += 1;
    if (values.has(key)) return undefined;
    values.set(key, made);
    return 1;
  };
  const remove = async (key: string) => values.delete(key);
  return { values, asked, store: { get, create, delete: remove, destroy: remove } };
}

async function requesters() {
  const clock = { at: 0, now: () => clock.at };
  const records = smallStore();
  const keys = smallStore();
  const given = createKeyFile({ application: 'a', group: 'g' });
  const ring = openKeyRing(parseKeyFile(given), async () => given, clock);
  const wrappedKeys = keys.store as unknown as WrappedKeys;
  const dataKeys = await openDataKeys({
    wrappedKeys,
    ring,
    clock,
    keyCacheMs: 5_000,
    isNew: async () => true,
  });
  const lookup = openLookup(new Uint8Array(32).fill(1));
  const store = records.store as unknown as EngineStore;
  return {
    requesters: openRequesters({ store, lookup, dataKeys, clock, keyCacheMs: 5_000 }),
    records,
    keys,
    clock,
    dataKeys,
  };
}

describe('the pseudonym of a requester', () => {
  it('is made once where one who comes for the first time comes with many requests at once', async () => {
    const { requesters: all, records, keys } = await requesters();
    const asked = Array.from({ length: 300 }, () => all.pseudonym('somebody'));
    expect(new Set(await Promise.all(asked)).size).toBe(1);
    expect(records.asked.create).toBe(1);
    // Its key, and under which version keys are wrapped.
    expect(keys.asked.create).toBe(2);
  });

  it('is looked up again after a while, so that another host can erase it', async () => {
    const { requesters: all, records, clock } = await requesters();
    await all.pseudonym('somebody');
    const before = records.asked.get;
    clock.at += 4_999;
    await all.pseudonym('somebody');
    expect(records.asked.get).toBe(before);
    clock.at += 1;
    await all.pseudonym('somebody');
    expect(records.asked.get).toBe(before + 1);
  });

  it('is another one where a backup has the record of one whose key was destroyed', async () => {
    const { requesters: all, dataKeys, clock } = await requesters();
    const before = await all.pseudonym('somebody');
    await dataKeys.destroy(before);
    clock.at += 5_000;
    const after = await all.pseudonym('somebody');
    expect(after).not.toBe(before);
    expect(await dataKeys.of(after)).toBeDefined();
  });
});
