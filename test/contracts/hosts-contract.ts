import { manualClock } from '@slackwater/test-support/manual-clock';
import { describe, expect, it } from 'vitest';
import type { OpenEngine } from '../../packages/middleware/src/engines/engine.ts';
import { createKeyFile } from '../../packages/middleware/src/ledger/keys.ts';
import { BatchLease } from '../../packages/middleware/src/perform/batches/batch-lease.ts';
import { sharedState } from '../../packages/middleware/src/perform/batches/shared-state.ts';
import { beginNoting, noteMessages } from '../../packages/middleware/src/perform/webhooks/note-messages.ts';
import { WebhookNotes } from '../../packages/middleware/src/perform/webhooks/webhook-notes.ts';
import { acceptanceOf } from '../middleware/ledger/ledgers.ts';
import { type MakeEngineUnderTest, scope, withEngineOf, withSecond } from './engine-under-test.ts';
import { ledgerOn } from './ledger-on.ts';

const leaseMs = 6_000;
const partition = 'payments';

/** What hosts that share an engine leave to each other: parked deferrals, webhooks to be sent, batches. */
export function hostsContract(make: MakeEngineUnderTest): void {
  const withEngine = withEngineOf(make);

  describe('what hosts leave to each other', () => {
    it(
      'is a parked deferral that one of them puts back and the other claims, under a greater token',
      withEngine(async (engine, under) => {
        const keys = createKeyFile(scope);
        const ledger = await ledgerOn(engine, () => keys, under.clock);
        const accepted = await ledger.accept(acceptanceOf({ partition }));
        if (accepted.kind !== 'accepted') throw new Error(accepted.kind);
        const { id } = accepted.deferral;
        const claim = { partition, limit: 1, leaseMs, holder: 'one' };
        const [first] = await engine.queue.claim(claim);
        const token = first?.token ?? 0;
        const error = { code: 'route-missing', message: 'none' } as const;
        await ledger.step(id, { type: 'parked', token, error });
        await engine.queue.deadLetter(id, token);
        await withSecond(under, async (other) => {
          const theirs = await ledgerOn(other, () => keys, under.clock);
          expect(await theirs.find(id)).toMatchObject({ phase: 'parked' });
          await theirs.step(id, { type: 'redriven', by: 'code:test', repeat: false });
          const [again] = await engine.queue.claim(claim);
          expect(again).toMatchObject({ id, partition });
          expect(again?.token).toBeGreaterThan(token);
          const performing = { type: 'performing', token: again?.token ?? 0 } as const;
          expect(await ledger.step(id, performing)).toMatchObject({ attempts: 1 });
          await theirs.close();
        });
        await ledger.close();
      }),
    );

    it(
      'is a webhook that one notes and the other finds, and one of them alone sends',
      withEngine(async (engine, under) => {
        const keys = createKeyFile(scope);
        const ledger = await ledgerOn(engine, () => keys, under.clock);
        const notesOf = ({ store }: OpenEngine): WebhookNotes => new WebhookNotes(store);
        await beginNoting(engine);
        const accepted = await ledger.accept(acceptanceOf());
        if (accepted.kind !== 'accepted') throw new Error(accepted.kind);
        const { id } = accepted.deferral;
        const error = { code: 'canceled-by-requester', message: 'no' } as const;
        await ledger.step(id, { type: 'canceled', error });
        const { log, store } = engine;
        const { clock } = under;
        const notes = notesOf(engine);
        const wanted = { isWanted: () => true, notOlderThanMs: 3_600_000 };
        await noteMessages({ clock, log, store, notes, ...wanted });
        await withSecond(under, async (other) => {
          const theirs = notesOf(other);
          const [due] = (await theirs.due(clock.wallNow() + 60_000)).notes;
          if (due === undefined) throw new Error('nothing is noted');
          expect(due.note).toMatchObject({ id, event: 'canceled', attempts: 0 });
          const until = clock.wallNow() + 600_000;
          const both = await Promise.all([notes.lease(due.note, until), theirs.lease(due.note, until)]);
          expect(both.filter((lease) => lease !== undefined)).toHaveLength(1);
          await theirs.delete(due.key);
          expect(await notes.isThere(due.key)).toBe(false);
        });
        await ledger.close();
      }),
    );

    it(
      'is a batch: one has it at a time, until its lease has stood still, under ever greater tokens',
      withEngine(async (engine, under) => {
        await withSecond(under, async (other) => {
          const hosts = [engine, other].map(({ store }, at) => {
            const clock = manualClock(under.clock.wallNow());
            const shared = sharedState('nightly', async () => store, clock.wallNow);
            const troubles: unknown[] = [];
            const onTrouble = (_: string, error: unknown): void => void troubles.push(error);
            return {
              clock,
              lease: new BatchLease({ clock, shared, leaseMs, holder: `host ${at}`, onTrouble }),
            };
          });
          const [one, two] = hosts;
          if (one === undefined || two === undefined) throw new Error('two hosts');
          const [a, b] = await Promise.all([one.lease.take(), two.lease.take()]);
          const [held, mine, theirs] = a === undefined ? [b, two, one] : [a, one, two];
          expect([a, b].filter((each) => each !== undefined)).toHaveLength(1);
          expect(await theirs.lease.take()).toBeUndefined();
          theirs.clock.advance(leaseMs);
          const heir = await theirs.lease.take();
          expect(heir?.state.token).toBeGreaterThan(held?.state.token ?? Number.POSITIVE_INFINITY);
          expect(await held?.giveBack((state) => state)).toBeUndefined();
          expect(await mine.lease.take()).toBeUndefined();
          expect(await heir?.giveBack((state) => state)).toMatchObject({ token: heir?.state.token });
          const next = await mine.lease.take();
          expect(next?.state.token).toBeGreaterThan(heir?.state.token ?? Number.POSITIVE_INFINITY);
          await next?.giveBack((state) => state);
        });
      }),
    );
  });
}
