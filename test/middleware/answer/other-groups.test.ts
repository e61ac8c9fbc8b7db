import { manualClock } from '@slackwater/test-support/manual-clock';
import { describe, expect, it } from 'vitest';
import type { Recorder } from '../../../packages/middleware/src/answer/gate-parts.ts';
import { doneBefore, wasDoneElsewhere } from '../../../packages/middleware/src/answer/keyed-requests.ts';
import { OtherGroups } from '../../../packages/middleware/src/answer/other-groups.ts';
import type { RequestFacts } from '../../../packages/middleware/src/answer/request-facts.ts';
import {
  type AskedGroup,
  firstWith,
} from '../../../packages/middleware/src/answer/resources/locate-deferral.ts';
import type { Ledger } from '../../../packages/middleware/src/ledger/open-ledger.ts';
import { groupMark, isUlid, markOf, ulidFactory } from '../../../packages/middleware/src/ledger/ulid.ts';
import { sharedRooms } from '../../../packages/middleware/src/perform/shared-rooms.ts';

const down = new Error('down');

function recorder(group: string, ledger: () => Promise<Ledger>): Recorder {
  const home = { application: 'shop', group, durable: 'fsync' } as const;
  return { home, ledger, enqueued: () => {}, pollAfterMs: () => 0 };
}

describe('groups that a request does not belong to', () => {
  it('are asked at once; one that can not be asked is left alone for a while, and hides nothing of the others', async () => {
    const clock = manualClock();
    const troubles: string[] = [];
    const others = new OtherGroups(clock, (doing) => troubles.push(doing));
    let asked = 0;
    const broken = recorder('eu', async () => {
      asked += 1;
      throw down;
    });
    const whole = recorder('us', async () => ({ origin: 'us' }) as Ledger);
    const ask = () => others.firstOf([broken, whole], 'looking', async ({ origin }) => origin);
    expect(await ask()).toEqual({ at: whole, found: 'us' });
    expect(await ask()).toEqual({ at: whole, found: 'us' });
    expect([asked, troubles]).toEqual([1, ['looking in group eu']]);
    clock.advance(5_001);
    await ask();
    expect(asked).toBe(2);
    expect(await others.firstOf([broken], 'looking', async () => 'never')).toBeUndefined();
  });
});

describe('a request with a key that was performed under another group’s name', () => {
  const facts = {
    partitions: ['shop'],
    method: 'POST',
    path: '/orders',
    workType: {},
  } as unknown as RequestFacts;
  const parts = {
    clock: manualClock(),
    options: { ledger: { engineTimeoutMs: 1_000 } },
    transactions: () => undefined,
    trouble: () => {},
  } as unknown as Parameters<typeof wasDoneElsewhere>[0];
  const rowsOf = (done: string, fails = false) => ({
    completionsOf: () =>
      ({
        find: async (key: string) => {
          if (fails) throw down;
          return key === done ? [{ ordinal: 0, tombstone: false }] : [];
        },
      }) as never,
  });

  it('is done already, to be performed and to be deferred alike', async () => {
    expect(await doneBefore(parts, rowsOf('eu key'), facts, 'us key', ['eu key'])).toEqual({ kind: 'done' });
    expect(await wasDoneElsewhere(parts, rowsOf('eu key'), facts, ['apac key', 'eu key'])).toBe(true);
    const toDo = { kind: 'to-do', firstOrdinal: 0 };
    expect(await doneBefore(parts, rowsOf('eu key'), facts, 'us key')).toEqual(toDo);
    expect(await wasDoneElsewhere(parts, rowsOf('us key'), facts, ['eu key'])).toBe(false);
  });

  it('is believed to be new where the database can not be asked, and none is asked without other groups', async () => {
    expect(await wasDoneElsewhere(parts, rowsOf('eu key', true), facts, ['eu key'])).toBe(false);
    expect(await wasDoneElsewhere(parts, rowsOf('', true), facts, [])).toBe(false);
  });
});

describe('the id of a deferral', () => {
  it('has its group’s mark, and still only grows', () => {
    const clock = manualClock(1_777_636_800_000);
    const newId = ulidFactory(clock, groupMark('eu'));
    const ids = Array.from({ length: 100 }, (_, i) => {
      if (i % 10 === 0) clock.advance(1);
      return newId();
    });
    expect(ids.every((id) => isUlid(id) && markOf(id) === groupMark('eu'))).toBe(true);
    expect([...new Set(ids)].sort()).toEqual(ids);
    expect(groupMark('us')).not.toBe(groupMark('eu'));
  });

  it('leads to its group without asking others; where that has nothing, all others are asked', async () => {
    const asked: string[] = [];
    const group = (name: string, has: string): AskedGroup & { name: string; has: string } => ({
      ...{ name, has, mark: groupMark(name) },
      ledger: async () => ({}) as Ledger,
    });
    const id = ulidFactory(manualClock(), groupMark('us'))();
    const ask = (groups: readonly ReturnType<typeof group>[]) =>
      firstWith(groups, id, async ({ name, has }) => {
        asked.push(name);
        if (has === 'down') throw down;
        return has === id ? name : undefined;
      });
    expect(await ask([group('eu', ''), group('us', id)])).toMatchObject({ found: 'us' });
    expect(asked.splice(0)).toEqual(['us']);
    expect(await ask([group('eu', id), group('us', 'down')])).toMatchObject({ found: 'eu' });
    expect(asked.splice(0)).toEqual(['us', 'eu']);
    expect(await ask([group('eu', ''), group('us', '')])).toBeUndefined();
    // It may be there.
    await expect(ask([group('eu', 'down'), group('us', '')])).rejects.toBe(down);
  });
});

describe('performers of several groups', () => {
  it('take no more places together than one would, in all and on each partition', () => {
    const roomOf = sharedRooms({ maxInFlight: 5, maxConcurrency: 3 });
    const woken: string[] = [];
    const take = (partition: string, wanted: number, who: string): number =>
      roomOf(partition).take(wanted, () => woken.push(who));
    expect(take('a', 2, 'eu')).toBe(2);
    expect(take('a', 2, 'us')).toBe(1);
    expect(take('a', 1, 'us')).toBe(0);
    expect(take('b', 3, 'eu')).toBe(2);
    expect(take('c', 1, 'apac')).toBe(0);
    roomOf('b').give(1);
    expect(woken.splice(0)).toEqual(['apac']);
    roomOf('a').give(1);
    expect(woken.splice(0)).toEqual(['us']);
    expect(take('a', 5, 'us')).toBe(1);
    expect(take('d', 5, 'us')).toBe(1);
  });
});
