import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ScorerFacts } from '@slackwater/middleware';

/** How long a busy machine is waited for. */
export const patience = { timeout: 30_000 };

/** What a scorer is told of a request that nothing is special about. */
export function factsWith(more: Partial<ScorerFacts> = {}): ScorerFacts {
  return {
    method: 'POST',
    route: '/orders',
    workType: 'order',
    priority: 2,
    partition: 'shop',
    requesterClass: '',
    bodyBytes: 100,
    hour: 12,
    weekday: 1,
    metrics: {},
    own: {},
    ...more,
  };
}

/** A file for a test, and the way to write it anew. */
export interface ScratchFile {
  readonly file: string;
  write(content: unknown): void;
  remove(): void;
}

/** Makes a file with that content; what is no text is written as JSON. */
export function scratchFile(content: unknown): ScratchFile {
  const directory = mkdtempSync(join(tmpdir(), 'slackwater-scorer-'));
  const file = join(directory, 'scorer.json');
  // At once for whoever reads it.
  const write = (next: unknown): void => {
    writeFileSync(`${file}.new`, typeof next === 'string' ? next : JSON.stringify(next));
    renameSync(`${file}.new`, file);
  };
  write(content);
  return { file, write, remove: () => rmSync(directory, { recursive: true, force: true }) };
}
