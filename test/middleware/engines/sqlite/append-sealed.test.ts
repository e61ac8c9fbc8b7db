import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { systemClock } from '../../../../packages/middleware/src/clock.ts';
import type { Engine, OpenEngine } from '../../../../packages/middleware/src/engines/engine.ts';
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

/** A log of its own for each test, on the one thread. */
async function inGroup(
  group: string,
  body: (open: OpenEngine, seal: Required<OpenEngine['log']>['appendSealed'] & object) => Promise<void>,
): Promise<void> {
  const open = await engine.open({ ...scope, group, clock: systemClock });
  const { appendSealed } = open.log;
  if (appendSealed === undefined) throw new Error('The embedded engine can do it.');
  await body(open, appendSealed);
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
