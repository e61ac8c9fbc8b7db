import { describe, expect, it } from 'vitest';
import { bytes, type MakeEngineUnderTest, withEngineOf, withSecond } from './engine-under-test.ts';

/** What wrapped-keys.ts states, tried. */
export function wrappedKeysContract(make: MakeEngineUnderTest): void {
  const withEngine = withEngineOf(make);

  describe('wrapped keys', () => {
    it(
      'are made once and replaced only at their revision, whoever tries',
      withEngine(async ({ wrappedKeys }, under) => {
        expect(await wrappedKeys.get('k/a')).toBeUndefined();
        const first = (await wrappedKeys.create('k/a', bytes('one'))) ?? 0;
        expect(first).toBeGreaterThan(0);
        await withSecond(under, async (other) => {
          expect(await other.wrappedKeys.create('k/a', bytes('two'))).toBeUndefined();
          const second = (await other.wrappedKeys.update('k/a', bytes('three'), first)) ?? 0;
          expect(second).toBeGreaterThan(first);
          expect(await wrappedKeys.update('k/a', bytes('late'), first)).toBeUndefined();
          expect(await wrappedKeys.get('k/a')).toEqual({ value: bytes('three'), revision: second });
        });
      }),
    );

    it(
      'are gone for everyone once they are destroyed, and for good',
      withEngine(async ({ wrappedKeys }, under) => {
        const revision = (await wrappedKeys.create('k', bytes('secret'))) ?? 0;
        await withSecond(under, async (other) => {
          expect(await other.wrappedKeys.destroy('k')).toBe(true);
          expect(await wrappedKeys.get('k')).toBeUndefined();
          expect(await wrappedKeys.update('k', bytes('again'), revision)).toBeUndefined();
          expect(await wrappedKeys.destroy('k')).toBe(false);
          expect(await wrappedKeys.list({ limit: 10 })).toEqual([]);
        });
      }),
    );

    it(
      'are listed in order, a page at a time, those of this ledger alone',
      withEngine(async ({ wrappedKeys }, under) => {
        const names = ['a', 'b/1', 'b/2', 'c'];
        await Promise.all(names.map((name) => wrappedKeys.create(name, bytes(name))));
        await wrappedKeys.destroy('b/1');
        const first = await wrappedKeys.list({ limit: 2 });
        expect(first.map(({ key }) => key)).toEqual(['a', 'b/2']);
        const next = await wrappedKeys.list({ limit: 2, after: 'b/2' });
        expect(next).toMatchObject([{ key: 'c', value: bytes('c') }]);
        await withSecond(
          under,
          async (apart) => expect(await apart.wrappedKeys.list({ limit: 2 })).toEqual([]),
          { application: 'shop', group: 'other' },
        );
      }),
    );
  });
}
