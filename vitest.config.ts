import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

const source = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

export default defineConfig({
  resolve: {
    // Tests in this process read the sources, so that a failing line is a line somebody wrote.
    // Processes that a test starts use the built packages, as users do.
    alias: [
      { find: /^@slackwater\/shared$/, replacement: source('packages/shared/src/index.ts') },
      { find: /^@slackwater\/middleware$/, replacement: source('packages/middleware/src/index.ts') },
      { find: /^@slackwater\/middleware\/pg$/, replacement: source('packages/middleware/src/drivers/pg.ts') },
      { find: /^@slackwater\/client-sdk$/, replacement: source('packages/client-sdk/src/index.ts') },
    ],
  },
  test: {
    include: ['test/**/*.test.ts'],
    testTimeout: 20_000,
    hookTimeout: 60_000,
  },
});
