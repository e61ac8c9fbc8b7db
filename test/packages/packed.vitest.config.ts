import { join } from 'node:path';
import { defineConfig } from 'vitest/config';
import { root } from './packed.ts';

const project = process.env['SLACKWATER_PACKED_PROJECT'];
if (project === undefined)
  throw new Error('SLACKWATER_PACKED_PROJECT names no project that has the packed packages');

const built = (path: string): string => join(project, 'node_modules/@slackwater', path);

/** The suites as they are, with the packed packages in place of the sources. */
export default defineConfig({
  root,
  resolve: {
    alias: [
      { find: /^@slackwater\/(shared|middleware|client-sdk)$/, replacement: built('$1/dist/index.js') },
      {
        find: '@slackwater/middleware/rules',
        replacement: built('middleware/dist/scorers/rules-scorer.js'),
      },
      { find: /^@slackwater\/middleware\/(\w+)$/, replacement: built('middleware/dist/drivers/$1.js') },
    ],
  },
  // One at a time: whoever runs this has other tests beside it, which may keep both cores busy.
  test: { include: ['test/**/*.test.ts'], maxWorkers: 1, testTimeout: 60_000, hookTimeout: 60_000 },
});
