import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describe, expect, it } from 'vitest';
import { systemClock } from '../../../../packages/middleware/src/clock.ts';
import { sqliteEngine } from '../../../../packages/middleware/src/engines/sqlite/sqlite-engine.ts';
import { bytes, scope } from '../../../contracts/engine-under-test.ts';
import { makePlace } from './place.ts';

describe('embedded engine under load', () => {
  it('answers engine-unavailable when another process holds the lock for too long, and reads on meanwhile', async () => {
    const { directory, dispose } = await makePlace();
    const open = await sqliteEngine({ directory }).open({ ...scope, clock: systemClock });
    const other = new DatabaseSync(join(directory, 'slackwater.db'));
    try {
      await open.log.append([bytes('x')]);
      other.exec('BEGIN IMMEDIATE');
      const writes = Array.from({ length: 20 }, () => open.log.append([bytes('y')]));
      const read = open.log.size();
      for (const outcome of await Promise.allSettled(writes)) {
        expect(outcome).toMatchObject({
          status: 'rejected',
          reason: {
            code: 'engine-unavailable',
            fate: 'none',
            message: expect.stringMatching(/locked for too long/),
          },
        });
      }
      expect(await read).toBe(1);
      other.exec('COMMIT');
      expect(await open.log.append([bytes('z')])).toEqual({ first: 1 });
    } finally {
      other.close();
      await open.close();
      await dispose();
    }
  });

  it('turns calls away that come faster than the disk takes them, and answers all the others', async () => {
    const { directory, dispose } = await makePlace();
    const open = await sqliteEngine({ directory }).open({ ...scope, clock: systemClock });
    try {
      const value = new Uint8Array(4 * 1024 * 1024);
      const outcomes = await Promise.allSettled(
        Array.from({ length: 40 }, (_, index) => open.store.put(`k${index}`, value)),
      );
      const kept = outcomes.filter(({ status }) => status === 'fulfilled').length;
      expect(kept).toBeGreaterThanOrEqual(32);
      expect(kept).toBeLessThan(40);
      for (const outcome of outcomes.slice(kept)) {
        expect(outcome).toMatchObject({ reason: { code: 'engine-unavailable', fate: 'none' } });
      }
    } finally {
      await open.close();
      await dispose();
    }
  });
});
