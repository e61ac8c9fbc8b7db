import { chmod, mkdir, readdir, readFile, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { keyFileBytes, keyFilePath } from '../../../../packages/middleware/src/engines/sqlite/key-file.ts';
import { bytes } from '../../../contracts/engine-under-test.ts';
import { makePlace } from './place.ts';

const create = (): Uint8Array => bytes('{"keys":1}');
const never = (): Uint8Array => {
  throw new Error('keys were made although there is a key file');
};

async function inPlace(body: (path: string, directory: string) => Promise<void>): Promise<void> {
  const { directory, dispose } = await makePlace();
  try {
    await body(keyFilePath(directory, 'shop', 'main'), directory);
  } finally {
    await dispose();
  }
}

const unreadable = (message: RegExp) => ({
  code: 'key-file-unreadable',
  message: expect.stringMatching(message),
});

describe('key file', () => {
  it('is made once, for its owner alone, and leaves nothing else behind', () =>
    inPlace(async (path, directory) => {
      expect(await keyFileBytes(path, create)).toEqual(create());
      expect((await stat(path)).mode & 0o777).toBe(0o600);
      expect(await readdir(directory)).toEqual([path.slice(directory.length + 1)]);
      expect(await keyFileBytes(path, never)).toEqual(create());
    }));

  it('is the same for all that start at once, each with keys of its own', () =>
    inPlace(async (path, directory) => {
      const asked = Array.from({ length: 20 }, (_, index) =>
        keyFileBytes(path, () => bytes(`{"keys":${index}}`)),
      );
      const answers = await Promise.all(asked);
      for (const answer of answers) expect(answer).toEqual(answers[0]);
      expect(new Uint8Array(await readFile(path))).toEqual(answers[0]);
      expect((await readdir(directory)).length).toBe(1);
    }));

  it('is refused where others may read it, with the command that mends it', () =>
    inPlace(async (path) => {
      await writeFile(path, '{"keys":1}');
      for (const mode of [0o640, 0o604, 0o620, 0o644]) {
        await chmod(path, mode);
        await expect(keyFileBytes(path, never)).rejects.toMatchObject(
          unreadable(/run: chmod 600 '.*keys-shop-main/),
        );
      }
      await chmod(path, 0o400);
      expect(await keyFileBytes(path, never)).toEqual(bytes('{"keys":1}'));
    }));

  it('is refused where it is a directory, empty, or far too large', () =>
    inPlace(async (path) => {
      await mkdir(path, { mode: 0o700 });
      await expect(keyFileBytes(path, never)).rejects.toMatchObject(unreadable(/not a file/));
      const empty = `${path}.empty`;
      await writeFile(empty, '', { mode: 0o600 });
      await expect(keyFileBytes(empty, never)).rejects.toMatchObject(unreadable(/0 bytes; put back/));
      const large = `${path}.large`;
      await writeFile(large, new Uint8Array(1024 * 1024 + 1), { mode: 0o600 });
      await expect(keyFileBytes(large, never)).rejects.toMatchObject(unreadable(/put back/));
    }));

  it('is refused where its place is no directory, or a link leads nowhere', () =>
    inPlace(async (path) => {
      await writeFile(path, '{"keys":1}', { mode: 0o600 });
      await expect(keyFileBytes(join(path, 'keys.json'), create)).rejects.toMatchObject(
        unreadable(/ENOTDIR/),
      );
      await symlink(`${path}.gone`, `${path}.link`);
      await expect(keyFileBytes(`${path}.link`, create)).rejects.toMatchObject(unreadable(/./));
    }));

  it('has another name for each scope, however the names are spelt', () => {
    const scopes = [
      ['shop', 'main'],
      ['Shop', 'main'],
      ['shop-main', ''],
      ['shop/../..', 'main'],
      ['shop', 'm\u00e4in'],
      ['x'.repeat(500), 'main'],
      ['x'.repeat(500), 'mains'],
    ] as const;
    const names = scopes.map(([application, group]) => keyFilePath('/d', application, group).toLowerCase());
    expect(new Set(names).size).toBe(names.length);
    for (const name of names) expect(name).toMatch(/^\/d\/keys-[a-z0-9_-]{1,73}\.json$/);
  });
});
