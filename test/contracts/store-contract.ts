import { describe, expect, it } from 'vitest';
import { bytes, type MakeEngineUnderTest, withEngineOf, within, withSecond } from './engine-under-test.ts';

/** What store.ts states, tried. */
export function storeContract(make: MakeEngineUnderTest, name = 'store'): void {
  const withEngine = withEngineOf(make);

  describe(name, () => {
    it(
      'gives back what was put, with the revision that put gave',
      withEngine(async ({ store }) => {
        expect(await store.get('a/b')).toBeUndefined();
        const revision = await store.put('a/b', bytes('one'));
        expect(await store.get('a/b')).toEqual({ value: bytes('one'), revision });
        const next = await store.put('a/b', bytes('two'));
        expect(next).toBeGreaterThan(revision);
        expect(await store.get('a/b')).toEqual({ value: bytes('two'), revision: next });
      }),
    );

    it(
      'creates only where nothing is',
      withEngine(async ({ store }) => {
        expect(await store.create('k', bytes('first'))).toBeGreaterThan(0);
        expect(await store.create('k', bytes('second'))).toBeUndefined();
        expect((await store.get('k'))?.value).toEqual(bytes('first'));
      }),
    );

    it(
      'updates and deletes only at the revision that was named',
      withEngine(async ({ store }) => {
        const first = await store.put('k', bytes('1'));
        const second = (await store.update('k', bytes('2'), first)) ?? 0;
        expect(second).toBeGreaterThan(first);
        expect(await store.update('k', bytes('late'), first)).toBeUndefined();
        expect(await store.delete('k', first)).toBe(false);
        expect((await store.get('k'))?.value).toEqual(bytes('2'));
        expect(await store.delete('k', second)).toBe(true);
        expect(await store.delete('k', second)).toBe(false);
        expect(await store.delete('k')).toBe(false);
        expect(await store.update('k', bytes('gone'), second)).toBeUndefined();
      }),
    );

    it(
      'gives a key that was deleted and made again a greater revision than it ever had',
      withEngine(async ({ store }) => {
        const old = await store.put('k', bytes('old'));
        await store.delete('k');
        const made = (await store.create('k', bytes('new'))) ?? 0;
        expect(made).toBeGreaterThan(old);
        expect(await store.update('k', bytes('stale'), old)).toBeUndefined();
      }),
    );

    it(
      'lets one of several win that create or update at once, also between processes',
      withEngine(async (engine, under) => {
        await withSecond(under, async (second) => {
          const stores = Array.from({ length: 20 }, (_, index) => (index % 2 === 0 ? engine : second).store);
          const made = await Promise.all(stores.map((store) => store.create('k', bytes('made'))));
          const [revision, ...others] = made.filter((each) => each !== undefined);
          expect(others).toEqual([]);
          const updated = await Promise.all(
            stores.map((store) => store.update('k', bytes('updated'), revision ?? 0)),
          );
          expect(updated.filter((each) => each !== undefined).length).toBe(1);
        });
      }),
    );

    it(
      'never loses an increment of two processes that count by compare-and-set',
      withEngine(async (engine, under) => {
        await engine.store.put('count', bytes('0'));
        await withSecond(under, async (second) => {
          const count = async ({ store }: typeof engine): Promise<void> => {
            for (let done = 0; done < 25; ) {
              const { value, revision } = (await store.get('count')) ?? { value: bytes('0'), revision: 1 };
              const next = bytes(String(Number(new TextDecoder().decode(value)) + 1));
              if ((await store.update('count', next, revision)) !== undefined) done += 1;
            }
          };
          await Promise.all([engine, second, engine, second].map(count));
          expect((await second.store.get('count'))?.value).toEqual(bytes('100'));
        });
      }),
    );

    it(
      'loses no increment and counts none twice where many count a few keys at once, making, updating and removing them',
      withEngine(async (engine, under) => {
        await withSecond(under, async (second) => {
          const keys = ['counts/a', 'counts/b', 'counts/c'];
          const counted = new Map(keys.map((key) => [key, 0]));
          const numberIn = (value: Uint8Array): number => Number(new TextDecoder().decode(value));
          /** One step up from what is there; a removal keeps what it removes. */
          const count = async ({ store }: typeof engine, key: string, removes: boolean): Promise<boolean> => {
            const there = await store.get(key);
            if (there === undefined) return (await store.create(key, bytes('1'))) !== undefined;
            if (!removes) {
              const next = bytes(String(numberIn(there.value) + 1));
              return (await store.update(key, next, there.revision)) !== undefined;
            }
            if (await store.delete(key, there.revision)) {
              counted.set(key, (counted.get(key) ?? 0) - numberIn(there.value));
            }
            return false;
          };
          const caller = async (store: typeof engine, number: number): Promise<void> => {
            for (let done = 0, tried = 0; done < 12; tried += 1) {
              const key = keys[(number + tried) % keys.length] ?? '';
              if (!(await count(store, key, tried % 9 === 8))) continue;
              counted.set(key, (counted.get(key) ?? 0) + 1);
              done += 1;
            }
          };
          await Promise.all(
            Array.from({ length: 12 }, (_, number) => caller(number % 2 === 0 ? engine : second, number)),
          );
          for (const { store } of [engine, second]) {
            const left = await Promise.all(keys.map((key) => store.get(key)));
            const numbers = left.map((there) => (there === undefined ? 0 : numberIn(there.value)));
            expect(numbers).toEqual(keys.map((key) => counted.get(key)));
          }
        });
      }),
    );

    it(
      'shows no call a key that has expired, and lets it be created again',
      withEngine(async ({ store }, under) => {
        const early = within(under, 1_000);
        const expiresAt = under.clock.wallNow() + 1_000;
        const revision = (await store.create('k', bytes('old'), { expiresAt })) ?? 0;
        await store.put('other', bytes('stays'));
        await early(async () => expect((await store.get('k'))?.value).toEqual(bytes('old')));
        await under.pass(1_000);
        expect(await store.get('k')).toBeUndefined();
        expect((await store.list('', { limit: 10 })).map(({ key }) => key)).toEqual(['other']);
        expect(await store.update('k', bytes('late'), revision)).toBeUndefined();
        expect(await store.delete('k')).toBe(false);
        expect(await store.create('k', bytes('new'))).toBeGreaterThan(revision);
        expect((await store.get('k'))?.value).toEqual(bytes('new'));
      }),
    );

    it(
      'takes the expiry of the last write: one without makes the key stay',
      withEngine(async ({ store }, under) => {
        const early = within(under, 1_000);
        const expiresAt = under.clock.wallNow() + 1_000;
        await store.put('put', bytes('1'), { expiresAt });
        await store.put('put', bytes('2'));
        const revision = await store.put('updated', bytes('1'), { expiresAt });
        await early(async () =>
          expect(await store.update('updated', bytes('2'), revision)).toBeGreaterThan(revision),
        );
        await under.pass(1_500);
        expect((await store.get('put'))?.value).toEqual(bytes('2'));
        expect((await store.get('updated'))?.value).toEqual(bytes('2'));
      }),
    );

    it(
      'tells when a key will expire, as the last write gave it, in whole milliseconds',
      withEngine(async ({ store }, under) => {
        const inAMinute = under.clock.wallNow() + 60_000;
        const told = async (key: string): Promise<readonly (number | undefined)[]> => {
          const [listed] = await store.list(key, { limit: 1 });
          return [(await store.get(key))?.expiresAt, listed?.expiresAt];
        };
        const revision = await store.create('k', bytes('1'), { expiresAt: inAMinute });
        expect(await told('k')).toEqual([inAMinute, inAMinute]);
        await store.update('k', bytes('2'), revision ?? 0, { expiresAt: inAMinute + 0.25 });
        expect(await told('k')).toEqual([inAMinute + 1, inAMinute + 1]);
        await store.put('k', bytes('3'));
        expect(await store.get('k')).not.toHaveProperty('expiresAt');
        expect((await store.list('k', { limit: 1 }))[0]).not.toHaveProperty('expiresAt');
      }),
    );

    it(
      'lists what starts with the prefix, by bytes, either way, and goes on behind a key',
      withEngine(async ({ store }) => {
        const keys = ['a', 'a-', 'a/1', 'a/10', 'a/2', 'a/B', 'a/_', 'a/b', 'a/b/c', 'aa', 'b'];
        await Promise.all(keys.map((key) => store.put(key, bytes(key))));
        const list = async (...args: Parameters<typeof store.list>): Promise<string[]> =>
          (await store.list(...args)).map(({ key }) => key);
        const within = ['a/1', 'a/10', 'a/2', 'a/B', 'a/_', 'a/b', 'a/b/c'];
        expect(await list('a/', { limit: 100 })).toEqual(within);
        expect(await list('a/', { limit: 100, reverse: true })).toEqual(within.toReversed());
        expect(await list('a/', { limit: 2 })).toEqual(['a/1', 'a/10']);
        expect(await list('a/', { limit: 2, after: 'a/10' })).toEqual(['a/2', 'a/B']);
        expect(await list('a/', { limit: 2, after: 'a/10', reverse: true })).toEqual(['a/1']);
        expect(await list('a/', { limit: 3, after: 'a/3', reverse: true })).toEqual(['a/2', 'a/10', 'a/1']);
        expect(await list('a/', { limit: 5, after: 'a/b/c' })).toEqual([]);
        expect(await list('a/', { limit: 100, after: 'a' })).toEqual(within);
        expect(await list('a/', { limit: 100, after: 'z', reverse: true })).toEqual(within.toReversed());
        expect(await list('', { limit: 100 })).toEqual(keys);
        expect(await list('c', { limit: 100 })).toEqual([]);
        expect(await store.list('a/B', { limit: 1 })).toMatchObject([{ key: 'a/B', value: bytes('a/B') }]);
      }),
    );

    it(
      'keeps values from empty to 4 MiB, and gives many large ones in pieces',
      withEngine(async ({ store }) => {
        const largest = new Uint8Array(4 * 1024 * 1024).fill(9);
        await store.put('empty', new Uint8Array(0));
        expect((await store.get('empty'))?.value).toEqual(new Uint8Array(0));
        for (let index = 0; index < 6; index += 1) await store.put(`large/${index}`, largest);
        const seen: string[] = [];
        let page = await store.list('large/', { limit: 1_000 });
        while (page.length > 0) {
          for (const { key, value } of page) {
            seen.push(key);
            expect(Buffer.compare(value, largest)).toBe(0);
          }
          page = await store.list('large/', { limit: 1_000, after: seen.at(-1) ?? '' });
        }
        expect(seen).toEqual([0, 1, 2, 3, 4, 5].map((index) => `large/${index}`));
      }),
    );

    it(
      'refuses keys, values and lists outside its bounds',
      withEngine(async ({ store }) => {
        const value = bytes('v');
        for (const key of [
          '',
          'a b',
          'ä',
          'a%',
          'a.b',
          '/a',
          'a/',
          'a//b',
          "a'",
          'a\0',
          'a*',
          'x'.repeat(513),
        ]) {
          await expect(store.put(key, value)).rejects.toThrow(RangeError);
          await expect(store.get(key)).rejects.toThrow(RangeError);
        }
        await store.put(`${'x'.repeat(490)}/_=-AZaz09`, value);
        await expect(store.put('k', new Uint8Array(4 * 1024 * 1024 + 1))).rejects.toThrow(RangeError);
        await expect(store.list('', { limit: 0 })).rejects.toThrow(RangeError);
        await expect(store.list('', { limit: 1_001 })).rejects.toThrow(RangeError);
        await expect(store.list('%', { limit: 1 })).rejects.toThrow(RangeError);
      }),
    );
  });
}
