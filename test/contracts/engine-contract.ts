import { describe, expect, it } from 'vitest';
import { bulkSegments } from '../../packages/middleware/src/engines/bulk-keys.ts';
import { below } from './below.ts';
import { bytes, type MakeEngineUnderTest, withEngineOf, withSecond } from './engine-under-test.ts';
import { gateGroupsContract } from './gate-groups-contract.ts';
import { hostsContract } from './hosts-contract.ts';
import { ledgerKeysContract } from './ledger-keys-contract.ts';
import { logContract } from './log-contract.ts';
import { operationsContract } from './operations-contract.ts';
import { queueContract } from './queue-contract.ts';
import { queueOrderContract } from './queue-order-contract.ts';
import { recordsContract } from './records-contract.ts';
import { storeContract } from './store-contract.ts';
import { wrappedKeysContract } from './wrapped-keys-contract.ts';

const [bulkSegment = ''] = bulkSegments;

/** The suite that every engine must pass: what engines/*.ts state as law, tried. */
export function engineContract(name: string, make: MakeEngineUnderTest): void {
  // Engines that go by their server's time wait for it: together rather than one after the other.
  describe.concurrent(`engine contract: ${name}`, () => {
    logContract(make);
    storeContract(make);
    storeContract(
      below(bulkSegment, make),
      `store, keys below ${bulkSegment}, of which many are made at a time`,
    );
    queueContract(make);
    queueOrderContract(make);
    wrappedKeysContract(make);
    recordsContract(make);
    ledgerKeysContract(make);
    gateGroupsContract(make);
    hostsContract(make);
    operationsContract(make);
    lifeContract(make);
  });
}

function lifeContract(make: MakeEngineUnderTest): void {
  const withEngine = withEngineOf(make);

  describe('open and close', () => {
    it(
      'shows after opening again what was there before closing',
      withEngine(async (engine, under) => {
        await engine.log.append([bytes('kept')]);
        await engine.store.put('kept', bytes('value'));
        await engine.queue.enqueue({ id: 'kept', partition: 'p', priority: 1, position: 0 });
        await engine.close();
        await withSecond(under, async (again) => {
          expect(await again.log.size()).toBe(1);
          expect((await again.store.get('kept'))?.value).toEqual(bytes('value'));
          expect(await again.queue.backlog()).toMatchObject([{ partition: 'p', items: 1 }]);
        });
      }),
    );

    it(
      'performs what was called before close, whether somebody waits for it or not',
      withEngine(async (engine, under) => {
        const calls = Array.from({ length: 50 }, (_, index) => engine.log.append([bytes(`entry ${index}`)]));
        await engine.close();
        await Promise.all(calls);
        await withSecond(under, async (again) => expect(await again.log.size()).toBe(50));
      }),
    );

    it(
      'may be closed twice, and answers engine-closed with the fate none afterwards',
      withEngine(async (engine) => {
        await Promise.all([engine.close(), engine.close()]);
        await engine.close();
        const closed = { code: 'engine-closed', fate: 'none' };
        await expect(engine.log.append([bytes('late')])).rejects.toMatchObject(closed);
        await expect(engine.store.get('late')).rejects.toMatchObject(closed);
        await expect(engine.queue.backlog()).rejects.toMatchObject(closed);
      }),
    );

    it(
      'keeps the groups and the applications of one place apart',
      withEngine(async (engine, under) => {
        await engine.log.append([bytes('mine')]);
        await engine.store.put('key', bytes('mine'));
        await engine.queue.enqueue({ id: 'mine', partition: 'p', priority: 1, position: 0, orderKey: 'k' });
        for (const other of [
          { application: 'shop', group: 'other' },
          { application: 'other', group: 'main' },
        ]) {
          await withSecond(
            under,
            async (apart) => {
              expect(await apart.log.size()).toBe(0);
              expect(await apart.store.get('key')).toBeUndefined();
              expect(await apart.store.list('', { limit: 10 })).toEqual([]);
              expect(await apart.queue.backlog()).toEqual([]);
              expect(await apart.queue.holdsOrderKey('k')).toBe(false);
            },
            other,
          );
        }
      }),
    );

    it(
      'goes on for one who has it open when another closes',
      withEngine(async (engine, under) => {
        await withSecond(under, async (second) => {
          await second.log.append([bytes('one')]);
        });
        expect(await engine.log.append([bytes('two')])).toEqual({ first: 1 });
      }),
    );
  });

  describe('key file', () => {
    it(
      'gives everyone the same bytes, also where several ask at once',
      withEngine(async (engine, under) => {
        await withSecond(under, async (second) => {
          const asked = [engine, second, engine, second].map((each, index) =>
            each.keyFile(() => bytes(`{"key":${index}}`)),
          );
          const answers = await Promise.all(asked);
          for (const answer of answers) expect(answer).toEqual(answers[0]);
          expect(await engine.keyFile(() => bytes('{"key":"later"}'))).toEqual(answers[0]);
        });
      }),
    );
  });
}
