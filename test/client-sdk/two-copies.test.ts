import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import * as own from '@slackwater/client-sdk';
import { isSlackwaterError } from '@slackwater/shared';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { rejection } from './support/fast-client.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));
let directory: string;
let copy: typeof own;

/** Both packages once more, in a place from which they find what they depend on. */
beforeAll(async () => {
  directory = mkdtempSync(join(root, 'node_modules', '.slackwater-copy-'));
  for (const name of ['shared', 'client-sdk']) {
    for (const part of ['dist', 'package.json']) {
      const to = join(directory, 'node_modules/@slackwater', name, part);
      cpSync(join(root, 'packages', name, part), to, { recursive: true });
    }
  }
  const entry = join(directory, 'node_modules/@slackwater/client-sdk/dist/index.js');
  copy = (await import(/* @vite-ignore */ pathToFileURL(entry).href)) as typeof own;
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));

it('guards know the errors of another copy of the package, which are of no class of its own', async () => {
  const theirs = await rejection(
    copy.createClient({ baseURL: 'http://x' }).get('/', { signal: AbortSignal.abort() }),
  );
  expect(theirs).not.toBeInstanceOf(own.AbortedError);
  expect(theirs).toBeInstanceOf(copy.AbortedError);
  expect(isSlackwaterError(theirs)).toBe(true);
  expect(own.isClientError(theirs, 'aborted')).toBe(true);
  expect(own.isClientError(theirs, 'deadline-exceeded')).toBe(false);
  expect(copy.isClientError(new own.AbortedError({}), 'aborted')).toBe(true);
  expect(own.failureFactsOf(theirs)).toMatchObject({ attempts: 0, retryable: false });
});

it('and what is known of an AxiosError of a call that another copy made', async () => {
  const adapter = async (config: object) => ({ status: 404, statusText: '', headers: {}, data: '', config });
  const client = copy.createClient({ baseURL: 'http://x', axios: { adapter: adapter as never } });
  expect(own.failureFactsOf(await rejection(client.get('/')))).toMatchObject({
    attempts: 1,
    retryable: false,
  });
});
