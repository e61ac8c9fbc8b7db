import { describe, expect, it } from 'vitest';
import type { OpenEngine } from '../../../packages/middleware/src/engines/engine.ts';
import { type Ledger, openLedger } from '../../../packages/middleware/src/ledger/open-ledger.ts';
import { type MakeEngineUnderTest, scope, withEngineOf } from '../../contracts/engine-under-test.ts';
import { until } from '../perform/until.ts';
import { accepted } from './ledgers.ts';

/** Deferrals that came to each end, and one that did not. */
export interface Lives {
  readonly performed: string;
  readonly failed: string;
  readonly canceled: string;
  readonly waiting: string;
}

/** Lets four lives pass, one of them with a capability beyond the first. */
export async function fourLives(ledger: Ledger): Promise<Lives> {
  const performed = (await accepted(ledger, { idempotencyKey: 'k' })).id;
  await accepted(ledger, { idempotencyKey: 'k' });
  const failed = (await accepted(ledger)).id;
  const canceled = (await accepted(ledger)).id;
  const waiting = (await accepted(ledger)).id;
  const outcome = { status: 200, headers: [], body: Buffer.from('done') };
  for (const id of [performed, failed]) await ledger.step(id, { type: 'performing', token: 1 });
  await ledger.step(performed, { type: 'performed', token: 1, outcome });
  const error = { code: 'route-refused', message: 'The route answered 409.' } as const;
  // It failed once before it failed for good.
  await ledger.step(failed, { type: 'failed', token: 1, outcome: undefined, error, retryAt: 1 });
  await ledger.step(failed, { type: 'performing', token: 2 });
  await ledger.step(failed, { type: 'failed', token: 2, outcome: { ...outcome, status: 409 }, error });
  const byRequester = { code: 'canceled-by-requester', message: 'It was canceled.' } as const;
  await ledger.step(canceled, { type: 'canceled', error: byRequester });
  return { performed, failed, canceled, waiting };
}

/** The kinds of keys that name a deferral, or all that there are. */
export async function kindsOfKeys({ store }: Pick<OpenEngine, 'store'>, id = ''): Promise<string[]> {
  const items = await store.list('', { limit: 1_000 });
  const kinds = items.filter(({ key }) => key.includes(id)).map(({ key }) => key.split('/')[0] ?? '');
  return [...new Set(kinds)].toSorted();
}

/** What must hold of what is kept, on every engine. */
export function retentionSuite(name: string, make: MakeEngineUnderTest): void {
  const keepOutcomeMs = 400;

  describe(`what a settled deferral leaves on ${name}`, () => {
    it(
      'is its entries and blocks, once keepOutcomeMs has passed; what is not settled stays whole',
      withEngineOf(make)(async (engine, under) => {
        const ledger = await openLedger({
          ...{ engine, clock: under.clock, ...scope, keepOutcomeMs },
          ...{ recoverEveryMs: 20, engineTimeoutMs: 10_000 },
        });
        const lives = await fourLives(ledger);
        expect(await kindsOfKeys(engine, lives.waiting)).toEqual(['deferral', 'payload']);
        const entries = await engine.log.size();

        await under.pass(keepOutcomeMs);
        for (const id of [lives.performed, lives.failed, lives.canceled]) {
          for (;;) {
            if ((await kindsOfKeys(engine, id)).length === 0) break;
            await under.pass(20);
          }
          expect(await ledger.find(id)).toBeUndefined();
        }
        // All keys that are left: of the whole ledger, and of the one that waits.
        const left = ['blocks', 'deferral', 'ledger', 'payload', 'recovery', 'requester', 'retention'];
        await until(async () => (await kindsOfKeys(engine)).join() === left.join());
        expect(await kindsOfKeys(engine, lives.waiting)).toEqual(['deferral', 'payload']);
        await ledger.request(lives.waiting);
        expect(await engine.log.size()).toBe(entries);
        expect(await ledger.verify()).toMatchObject({ ok: true, size: entries });
        await ledger.close();
      }),
    );
  });
}
