import { mkdir, open as openFile, readdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describe, expect, it } from 'vitest';
import { systemClock } from '../../../../packages/middleware/src/clock.ts';
import type { OpenEngine } from '../../../../packages/middleware/src/engines/engine.ts';
import { sqliteEngine } from '../../../../packages/middleware/src/engines/sqlite/sqlite-engine.ts';
import { bytes, scope } from '../../../contracts/engine-under-test.ts';
import { makePlace } from './place.ts';

async function inPlace(body: (file: string, directory: string) => Promise<void>): Promise<void> {
  const { directory, dispose } = await makePlace();
  try {
    await body(join(directory, 'slackwater.db'), directory);
  } finally {
    await dispose();
  }
}

const open = (directory: string): Promise<OpenEngine> =>
  sqliteEngine({ directory }).open({ ...scope, clock: systemClock });

async function fillAndClose(directory: string): Promise<void> {
  const engine = await open(directory);
  await engine.log.append(
    Array.from({ length: 1_000 }, (_, index) => bytes(`entry ${index} ${'x'.repeat(100)}`)),
  );
  await engine.close();
}

const refusal = (code: string, message: RegExp) => ({
  name: 'EngineError',
  code,
  fate: 'none',
  message: expect.stringMatching(message),
});

describe('files of the embedded engine', () => {
  it('makes its directory and its files for their owner alone', () =>
    inPlace(async (_, directory) => {
      const deep = join(directory, 'a', 'b');
      const engine = await open(deep);
      await engine.log.append([bytes('x')]);
      await engine.keyFile(() => bytes('{}'));
      expect((await stat(deep)).mode & 0o777).toBe(0o700);
      const names = await readdir(deep);
      // Each database with its log and shared memory, and the key file.
      expect(names.length).toBe(7);
      for (const name of names) expect((await stat(join(deep, name))).mode & 0o777).toBe(0o600);
      await engine.close();
    }));

  it('is one file that any SQLite tool reads', () =>
    inPlace(async (file, directory) => {
      await fillAndClose(directory);
      const tool = new DatabaseSync(file, { readOnly: true });
      expect(tool.prepare('SELECT id, application, resource_group FROM scope').all()).toMatchObject([
        { id: 1, application: 'shop', resource_group: 'main' },
      ]);
      expect(
        tool.prepare('SELECT count(*) AS entries, max(position) AS last FROM log_1').get(),
      ).toMatchObject({
        entries: 1_000,
        last: 999,
      });
      expect(tool.prepare('PRAGMA integrity_check').get()).toMatchObject({ integrity_check: 'ok' });
      tool.close();
    }));

  it('refuses a file that is no database', () =>
    inPlace(async (file, directory) => {
      await writeFile(file, 'these are minutes of a meeting, not a database\n'.repeat(100));
      await expect(open(directory)).rejects.toMatchObject(
        refusal('engine-corrupt', /slackwater\.db: .*move it away/),
      );
    }));

  it('refuses another application’s database, and leaves it as it is', () =>
    inPlace(async (file, directory) => {
      const foreign = new DatabaseSync(file);
      foreign.exec('CREATE TABLE mine (x); INSERT INTO mine VALUES (1)');
      foreign.close();
      const { mtimeMs } = await stat(file);
      await expect(open(directory)).rejects.toMatchObject(
        refusal('engine-corrupt', /not one of Slackwater's/),
      );
      expect((await stat(file)).mtimeMs).toBe(mtimeMs);
      expect(await readdir(directory)).toEqual(['slackwater.db']);
    }));

  it('refuses a file that a newer version wrote', () =>
    inPlace(async (file, directory) => {
      await fillAndClose(directory);
      const later = new DatabaseSync(file);
      later.exec('PRAGMA user_version = 999');
      later.close();
      await expect(open(directory)).rejects.toMatchObject(
        refusal('engine-unavailable', /newer Slackwater.*upgrade/),
      );
    }));

  it('says that a damaged file is damaged, when it is opened or read', () =>
    inPlace(async (file, directory) => {
      await fillAndClose(directory);
      const { size } = await stat(file);
      const handle = await openFile(file, 'r+');
      await handle.write(new Uint8Array(size - 4_096).fill(0xa5), 0, size - 4_096, 4_096);
      await handle.close();
      const read = async (): Promise<unknown> => {
        const engine = await open(directory);
        try {
          return await engine.log.read(0, 10_000);
        } finally {
          await engine.close();
        }
      };
      await expect(read()).rejects.toMatchObject(refusal('engine-corrupt', /slackwater\.db: /));
    }));

  it('refuses a directory that is a file, and a database file that is a directory', () =>
    inPlace(async (file, directory) => {
      await writeFile(join(directory, 'taken'), '');
      for (const taken of [join(directory, 'taken'), join(directory, 'taken', 'below')]) {
        await expect(open(taken)).rejects.toMatchObject(
          refusal('engine-unavailable', /taken.*give sqliteEngine another directory/),
        );
      }
      await mkdir(file);
      await expect(open(directory)).rejects.toMatchObject(refusal('engine-unavailable', /slackwater\.db/));
    }));

  it('refuses a directory that cannot be made', async () => {
    // Where nobody can make one, not even root.
    for (const nowhere of ['/proc/slackwater', '/proc/slackwater/below']) {
      await expect(open(nowhere)).rejects.toMatchObject(refusal('engine-unavailable', /cannot be written/));
    }
  });

  it('can be opened again after it was refused, when the cause is gone', () =>
    inPlace(async (file, directory) => {
      await writeFile(file, 'no database, only words, and a good many of them\n'.repeat(100));
      const engine = sqliteEngine({ directory });
      await expect(engine.open({ ...scope, clock: systemClock })).rejects.toMatchObject({
        code: 'engine-corrupt',
      });
      await rm(file);
      const opened = await engine.open({ ...scope, clock: systemClock });
      expect(await opened.log.append([bytes('x')])).toEqual({ first: 0 });
      await opened.close();
    }));

  it('acknowledges nothing once the file was taken away or replaced, and goes on when it is put back', () =>
    inPlace(async (file, directory) => {
      const engine = await open(directory);
      await engine.log.append([bytes('x')]);
      await rename(file, `${file}.away`);
      await expect(engine.log.append([bytes('y')])).rejects.toMatchObject(
        refusal('engine-unavailable', /removed while it was in use/),
      );
      await writeFile(file, '');
      await expect(engine.store.put('k', bytes('y'))).rejects.toMatchObject(
        refusal('engine-unavailable', /replaced while it was in use/),
      );
      await rename(`${file}.away`, file);
      expect(await engine.log.append([bytes('y')])).toEqual({ first: 1 });
      await engine.close();
    }));
});
