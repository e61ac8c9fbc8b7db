import { expect, it } from 'vitest';
import { publicSuites } from './public-suites.ts';

it('a suite is run on packed packages when nothing that it imports or starts reaches into their folders', () => {
  const files = [
    { path: 'test/a.test.ts', text: "import '@slackwater/shared'; import './helper.ts';" },
    { path: 'test/helper.ts', text: "import 'node:fs';" },
    { path: 'test/b.test.ts', text: "import '@slackwater/middleware/pg'; import './insider.ts';" },
    { path: 'test/insider.ts', text: "import type { A } from '../packages/shared/src/a.ts';" },
    { path: 'test/c.test.ts', text: "import '@slackwater/test-support/postgres';" },
    { path: 'test/d.test.ts', text: "start(new URL('./program.ts', import.meta.url));" },
    { path: 'test/program.ts', text: "import { slackwater } from '@slackwater/middleware';" },
    {
      path: 'test/e.test.ts',
      text: "import '@slackwater/shared'; start(new URL('./inside.ts', import.meta.url));",
    },
    { path: 'test/inside.ts', text: "await import('../packages/shared/dist/a.js');" },
    { path: 'test/examples/f.test.ts', text: "import '../../examples/x.ts';" },
    { path: 'test/crash/g.test.ts', text: "import '@slackwater/shared';" },
    { path: 'test/e2e/sharing-h.test.ts', text: "import '@slackwater/shared';" },
  ];
  expect(publicSuites(files)).toEqual(['test/a.test.ts', 'test/d.test.ts', 'test/examples/f.test.ts']);
});
