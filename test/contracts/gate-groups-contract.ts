import type { DeferralResource } from '@slackwater/shared';
import { verifyReceipt } from '@slackwater/shared';
import { describe, expect, it } from 'vitest';
import { ed25519Verify } from '../../packages/middleware/src/ledger/signer.ts';
import { partition, patiently, serve } from '../middleware/answer/gated-app.ts';
import type { MakeEngineUnderTest } from './engine-under-test.ts';

/** What a gate makes of several resource groups in one engine. */
export function gateGroupsContract(make: MakeEngineUnderTest): void {
  describe('the groups of a gate', () => {
    it('are ledgers of their own in one engine, with keys and a queue each, and perform what is theirs (B-03)', async () => {
      const under = await make();
      const performed: unknown[] = [];
      const app = await serve(
        (on, gate) => {
          gate.on('deferral', ({ type, id, group }) => type === 'performed' && performed.push([id, group]));
          on.use(gate);
          on.post('/orders', async (_, res) => {
            await gate.latency.commit(partition, async () => {});
            res.status(201).end();
          });
        },
        {
          engine: under.makeEngine(),
          workTypes: { order: { priority: 1, thresholdMs: 30, whenOver: 'defer', candidates: 'always' } },
          groups: { main: {}, other: {} },
          groupFor: (req) => req.get('x-group'),
        },
      );
      try {
        await app.gate.latency.commit(partition, async () => {});
        const made: DeferralResource[] = [];
        for (const group of ['main', 'other', 'other']) {
          const asking = { prefer: 'respond-async', 'x-customer': 'ann', 'x-group': group };
          const answer = await patiently(`${app.url}/orders`, { for: group }, asking);
          expect(answer.status).toBe(202);
          made.push((await answer.json()) as DeferralResource);
        }
        expect(made.map(({ group }) => group)).toEqual(['main', 'other', 'other']);
        await expect.poll(() => performed.length).toBe(3);
        expect(new Set(performed.map(String))).toEqual(
          new Set(made.map(({ id, group }) => String([id, group]))),
        );
        const keys = new Set<string>();
        for (const [name, { ledger, audit }] of app.gate.groups) {
          const { verifierKey } = await ledger.open();
          keys.add(verifierKey);
          const report = await audit.verify();
          expect(report).toMatchObject({ ok: true });
          for (const { group, receipt, entry } of made) {
            const proof = { entry: Buffer.from(entry, 'base64'), verifierKeys: [verifierKey] };
            const verify = () => verifyReceipt(receipt, proof, { ed25519Verify });
            if (group === name) expect(verify).not.toThrow();
            else expect(verify).toThrow();
          }
        }
        expect(keys.size).toBe(2);
      } finally {
        await app.close();
        await under.dispose();
      }
    });
  });
}
