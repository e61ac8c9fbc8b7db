import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { systemClock } from '../../../../packages/middleware/src/clock.ts';
import type { Engine, OpenEngine } from '../../../../packages/middleware/src/engines/engine.ts';
import type { KeyWithValue } from '../../../../packages/middleware/src/engines/log.ts';
import { sqliteEngine } from '../../../../packages/middleware/src/engines/sqlite/sqlite-engine.ts';
import { bytes, scope, texts } from '../../../contracts/engine-under-test.ts';
import { makePlace, type Place } from './place.ts';

let place: Place;
let engine: Engine;
let stays: OpenEngine;

beforeAll(async () => {
  place = await makePlace();
  engine = sqliteEngine({ directory: place.directory });
  stays = await engine.open({ ...scope, clock: systemClock });
});

afterAll(async () => {
  await stays.close();
  await place.dispose();
});

type AppendSealed = (
  entries: readonly Uint8Array[],
  first: number,
  key: string,
  value: Uint8Array,
  behind?: KeyWithValue,
) => Promise<boolean>;

/** A log of its own for each test, on the one thread. */
async function inGroup(
  group: string,
  body: (open: OpenEngine, appendSealed: AppendSealed) => Promise<void>,
): Promise<void> {
  const open = await engine.open({ ...scope, group, clock: systemClock });
  const { appendSealed } = open.log;
  if (appendSealed === undefined) throw new Error('The embedded engine can do it.');
  await body(open, (entries, first, key, value, behind) => appendSealed(entries, first, key, value, behind));
  await open.close();
}

describe('appending a batch with what seals it', () => {
  it('does both', () =>
    inGroup('both', async ({ log, store }, appendSealed) => {
      expect(await appendSealed([bytes('a'), bytes('b')], 0, 'blocks/0', bytes('block'))).toBe(true);
      expect(texts(await log.read(0, 10))).toEqual(['a', 'b']);
      expect(texts([(await store.get('blocks/0'))?.value ?? bytes('')])).toEqual(['block']);
      expect(await log.append([bytes('c')])).toEqual({ first: 2 });
    }));

  it.each([
    ['the log is longer', 1],
    ['the log is shorter', 3],
  ])('does neither where %s', (what, first) =>
    inGroup(what, async ({ log, store }, appendSealed) => {
      await log.append([bytes('a'), bytes('b')]);
      expect(await appendSealed([bytes('c')], first, 'blocks/0', bytes('block'))).toBe(false);
      expect(await log.size()).toBe(2);
      expect(await store.get('blocks/0')).toBeUndefined();
    }),
  );

  it('does neither where the key is there', () =>
    inGroup('key', async ({ log, store }, appendSealed) => {
      await store.create('blocks/0', bytes('first'));
      expect(await appendSealed([bytes('a')], 0, 'blocks/0', bytes('second'))).toBe(false);
      expect(await log.size()).toBe(0);
      expect(texts([(await store.get('blocks/0'))?.value ?? bytes('')])).toEqual(['first']);
    }));

  it('lets one of many win that are asked for at once, and does nothing of the others', () =>
    inGroup('many', async ({ log, store }, appendSealed) => {
      const won = await Promise.all(
        Array.from({ length: 20 }, (_, n) => appendSealed([bytes(`${n}`)], 0, `blocks/${n}`, bytes(`${n}`))),
      );
      expect(won.filter(Boolean)).toHaveLength(1);
      expect(texts(await log.read(0, 10))).toEqual([`${won.indexOf(true)}`]);
      expect((await store.list('blocks/', { limit: 30 })).map(({ key }) => key)).toEqual([
        `blocks/${won.indexOf(true)}`,
      ]);
    }));

  it('stands in line with other appends', () =>
    inGroup('line', async ({ log }, appendSealed) => {
      const [, sealed] = await Promise.all([
        log.append([bytes('a')]),
        appendSealed([bytes('b')], 1, 'blocks/0', bytes('block')),
      ]);
      expect(sealed).toBe(true);
      expect(texts(await log.read(0, 10))).toEqual(['a', 'b']);
    }));

  const one: KeyWithValue = { key: 'blocks/0', value: bytes('one') };

  it('does a second one behind the first, which is still on its way', () =>
    inGroup('behind', async ({ log }, appendSealed) => {
      const both = [
        appendSealed([bytes('a')], 0, one.key, one.value),
        appendSealed([bytes('b')], 1, 'blocks/1', bytes('two'), one),
      ];
      expect(await Promise.all(both)).toEqual([true, true]);
      expect(texts(await log.read(0, 10))).toEqual(['a', 'b']);
    }));

  it.each([
    ['another', 'eno'],
    ['a longer one', 'one more'],
    ['none', undefined],
  ])(
    'does not do the second where %s is in the place of the first, though the log ends there',
    (what, found) =>
      inGroup(`behind ${what}`, async ({ log, store }, appendSealed) => {
        await log.append([bytes('of others')]);
        if (found !== undefined) await store.create(one.key, bytes(found));
        const both = [
          appendSealed([bytes('a')], 0, one.key, one.value),
          appendSealed([bytes('b')], 1, 'blocks/1', bytes('two'), one),
        ];
        expect(await Promise.all(both)).toEqual([false, false]);
        expect(texts(await log.read(0, 10))).toEqual(['of others']);
        expect(await store.get('blocks/1')).toBeUndefined();
      }),
  );

  it('does long ones in order too, each in a transaction of its own', () =>
    inGroup('long', async ({ log }, appendSealed) => {
      const many = (text: string): Uint8Array[] => Array.from({ length: 100 }, () => bytes(text));
      const both = [
        appendSealed(many('a'), 0, one.key, one.value),
        appendSealed(many('b'), 100, 'blocks/1', bytes('two'), one),
      ];
      expect(await Promise.all(both)).toEqual([true, true]);
      expect(texts(await log.read(99, 2))).toEqual(['a', 'b']);
    }));

  it('refuses what either would refuse', () =>
    inGroup('bounds', async ({ log }, appendSealed) => {
      await expect(appendSealed([], 0, 'k', bytes('v'))).rejects.toBeInstanceOf(RangeError);
      await expect(appendSealed([bytes('a')], -1, 'k', bytes('v'))).rejects.toBeInstanceOf(RangeError);
      await expect(appendSealed([bytes('a')], 0, 'k ', bytes('v'))).rejects.toBeInstanceOf(RangeError);
      await expect(appendSealed([new Uint8Array(65_536)], 0, 'k', bytes('v'))).rejects.toBeInstanceOf(
        RangeError,
      );
      expect(await log.size()).toBe(0);
    }));
});
