import { mkdtemp, rename, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sharingSuite } from './sharing-suite.ts';

sharingSuite('SQLite', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'slackwater-sharing-'));
  const file = join(directory, 'slackwater.db');
  return {
    spec: { engine: 'sqlite', directory },
    lose: () => rename(file, `${file}.away`),
    giveBack: () => rename(`${file}.away`, file),
    dispose: () => rm(directory, { recursive: true, force: true }),
  };
});
