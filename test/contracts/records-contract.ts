import { describe, expect, it } from 'vitest';
import { openAuditIndex } from '../../packages/middleware/src/audit/index/audit-index.ts';
import { createKeyFile } from '../../packages/middleware/src/ledger/keys.ts';
import { acceptanceOf } from '../middleware/ledger/ledgers.ts';
import { type MakeEngineUnderTest, scope, withEngineOf, withSecond } from './engine-under-test.ts';
import { ledgerOn, patientMs } from './ledger-on.ts';

/** What the ledger makes of an engine's log and key-value store: two records of each request, found by every host. */
export function recordsContract(make: MakeEngineUnderTest): void {
  const withEngine = withEngineOf(make);

  describe('the records of a request', () => {
    it(
      'are kept in the log and in the key-value store, and either is found from the other by every host (B-23) (B-25)',
      withEngine(async (engine, under) => {
        const keys = createKeyFile(scope);
        const ledger = await ledgerOn(engine, () => keys, under.clock);
        const ids: string[] = [];
        for (let n = 0; n < 3; n++) {
          const result = await ledger.accept(acceptanceOf());
          if (result.kind !== 'accepted') throw new Error(result.kind);
          ids.push(result.deferral.id);
        }
        const [, id = ''] = ids;
        await withSecond(under, async (other) => {
          const theirs = await ledgerOn(other, () => keys, under.clock);
          const index = openAuditIndex({
            ...{ log: other.log, clock: under.clock, path: '', ledger: 'theirs', waitMs: patientMs },
          });
          try {
            const [position = -1] = await index.entriesOf(id);
            const mapping = await theirs.mapping(position);
            expect(mapping).toMatchObject({ id, first: { position }, second: { state: 'intact' } });
            expect((await theirs.readRequest(id)).readFrom).toEqual(['mapping', 'first', 'second']);
            const { key } = mapping.second;
            const kept = (await other.store.get(key))?.value ?? new Uint8Array();
            const middle = kept.length >> 1;
            await other.store.put(key, kept.with(middle, (kept[middle] ?? 0) ^ 1));
            expect(await theirs.mapping(position)).toMatchObject({ second: { key, state: 'altered' } });
            await expect(ledger.request(id)).rejects.toMatchObject({ code: 'record-corrupt' });
            await other.store.delete(key);
            expect(await theirs.mapping(position)).toMatchObject({ second: { key, state: 'missing' } });
            await expect(ledger.request(id)).rejects.toMatchObject({ code: 'record-corrupt' });
            const all = await index.list({ limit: 10 });
            expect(all.deferrals.map((deferral) => deferral.id)).toEqual([...ids].reverse());
          } finally {
            await index.close();
            await theirs.close();
          }
        });
        await ledger.close();
      }),
    );
  });
}
