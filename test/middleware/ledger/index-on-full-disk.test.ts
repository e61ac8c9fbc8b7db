import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterEach, beforeEach, expect, it } from 'vitest';

const run = promisify(execFile);
const child = fileURLToPath(new URL('../audit/index/children/small-disk.ts', import.meta.url));
const count = 6_000;

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'slackwater-full-index-'));
});
afterEach(() => rm(directory, { recursive: true, force: true }));

/** Keeps an index in a process whose files may have so many blocks of 512 bytes. */
async function indexWith(most: number | 'unlimited') {
  const command = `ulimit -f ${most}; exec "$0" --no-warnings "$@"`;
  const args = ['-c', command, process.execPath, child, join(directory, 'index.db'), String(count)];
  const { stdout } = await run('sh', args);
  return JSON.parse(stdout) as {
    readonly answers: readonly string[];
    readonly troubles: readonly string[];
    readonly entries: number;
    readonly behind: number;
  };
}

it('an index on a full disk answers that it is behind rather than with a part, tells so once, and goes on when there is room', async () => {
  const full = await indexWith(600);
  for (const answer of full.answers) expect(answer).toMatch(/^index-behind: The index .* can't be used: /);
  expect(full.troubles).toHaveLength(1);
  expect(full.behind).toBeGreaterThan(0);
  expect(full.entries + full.behind).toBe(count);
  expect(await indexWith('unlimited')).toMatchObject({
    answers: ['an answer', 'an answer'],
    troubles: [],
    ...{ entries: count, behind: 0 },
  });
});
