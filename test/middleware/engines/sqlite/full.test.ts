import { execFile } from 'node:child_process';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { systemClock } from '../../../../packages/middleware/src/clock.ts';
import { sqliteEngine } from '../../../../packages/middleware/src/engines/sqlite/sqlite-engine.ts';
import { scope } from '../../../contracts/engine-under-test.ts';
import { makePlace } from './place.ts';

const run = promisify(execFile);
const mebibyte = 1024 * 1024;
const full = { code: 'engine-full', fate: 'none' };

interface SmallPlace {
  readonly directory: string;
  readonly maxBytes?: number;
  /** Makes room for a few calls more. */
  makeRoom(): Promise<void>;
  dispose(): Promise<void>;
}

async function boundedFile(): Promise<SmallPlace> {
  const place = await makePlace();
  return { ...place, maxBytes: mebibyte, makeRoom: async () => undefined };
}

/** A real disk of eight mebibytes, half of it taken by a file that can go. */
async function smallDisk(): Promise<SmallPlace> {
  const { directory, dispose } = await makePlace();
  await run('mount', ['-t', 'tmpfs', '-o', 'size=8m', 'tmpfs', directory]);
  const ballast = join(directory, 'ballast');
  await writeFile(ballast, new Uint8Array(4 * mebibyte));
  return {
    directory,
    makeRoom: () => rm(ballast),
    dispose: async () => {
      await run('umount', ['--lazy', directory]);
      await dispose();
    },
  };
}

/** Only root may mount, and not in every container. Elsewhere the bounded file alone has to tell. */
async function canMount(): Promise<boolean> {
  const { directory, dispose } = await makePlace();
  try {
    await run('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', directory]);
    await run('umount', [directory]);
    return true;
  } catch {
    return false;
  } finally {
    await dispose();
  }
}

const places = [{ where: 'a file that has reached maxBytes', make: boundedFile }];
if (await canMount()) places.push({ where: 'a disk without room', make: smallDisk });

describe.each(places)('embedded engine on $where', ({ make }) => {
  it('answers engine-full, shows nothing half-written, reads on, and goes on when there is room', async () => {
    const { dispose, makeRoom, ...options } = await make();
    const { directory, maxBytes } = options;
    const engine = sqliteEngine(maxBytes === undefined ? { directory } : { directory, maxBytes });
    const open = await engine.open({ ...scope, clock: systemClock });
    try {
      const value = new Uint8Array(20_000).fill(1);
      const kept: string[] = [];
      let refused = 0;
      for (let round = 0; round < 30 && refused === 0; round += 1) {
        const keys = Array.from({ length: 10 }, (_, index) => `k${round}-${index}`);
        const outcomes = await Promise.allSettled(keys.map((key) => open.store.put(key, value)));
        outcomes.forEach((outcome, index) => {
          if (outcome.status === 'fulfilled') kept.push(keys[index] ?? '');
          else {
            expect(outcome.reason).toMatchObject(full);
            refused += 1;
          }
        });
      }
      expect(kept.length).toBeGreaterThan(5);
      expect(refused).toBeGreaterThan(0);
      const large = Array.from({ length: 8 }, () => new Uint8Array(60_000));
      await expect(open.log.append(large)).rejects.toMatchObject(full);
      expect(await open.log.size()).toBe(0);
      const listed: string[] = (await open.store.list('', { limit: 1_000 })).map(({ key }) => key);
      expect(listed.toSorted()).toEqual(kept.toSorted());

      await makeRoom();
      for (const key of kept) expect(await open.store.delete(key)).toBe(true);
      await expect(open.store.put('again', value)).resolves.toBeGreaterThan(0);
      expect(await open.log.append([value])).toEqual({ first: 0 });
    } finally {
      await open.close();
      await dispose();
    }
  });
});
