import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { systemClock } from '../../../../packages/middleware/src/clock.ts';
import { sqliteEngine } from '../../../../packages/middleware/src/engines/sqlite/sqlite-engine.ts';
import { bytes, scope } from '../../../contracts/engine-under-test.ts';
import { makePlace } from './place.ts';

const visitor = fileURLToPath(new URL('./children/visitor.ts', import.meta.url));

describe('embedded engine beside others', () => {
  it('keeps its hold on the file when another engine of its process comes and goes', async () => {
    const { directory, dispose } = await makePlace();
    try {
      const stays = await sqliteEngine({ directory }).open({ ...scope, clock: systemClock });
      await stays.log.append([bytes('before')]);
      const goes = await sqliteEngine({ directory }).open({ ...scope, clock: systemClock });
      // Whoever closes the file and finds nobody else on the file clears the write-ahead log away.
      await promisify(execFile)(process.execPath, [visitor, directory]);
      expect(await stays.log.append([bytes('after')])).toEqual({ first: 2 });
      await goes.close();
      await promisify(execFile)(process.execPath, [visitor, directory]);
      expect(await stays.log.append([bytes('at last')])).toEqual({ first: 4 });
      await stays.close();
      const again = await sqliteEngine({ directory }).open({ ...scope, clock: systemClock });
      expect(await again.log.size()).toBe(5);
      await again.close();
    } finally {
      await dispose();
    }
  });
});
