import { expect, it } from 'vitest';
import { publicSuites } from './public-suites.ts';

it('a suite can be run on packed packages when nothing it imports reaches into their sources', () => {
  const files = [
    { path: 'test/a.test.ts', text: "import '@slackwater/shared'; import './helper.ts';" },
    { path: 'test/helper.ts', text: "import 'node:fs';" },
    { path: 'test/b.test.ts', text: "import '@slackwater/middleware/pg'; import './insider.ts';" },
    { path: 'test/insider.ts', text: "import type { A } from '../packages/shared/src/a.ts';" },
    { path: 'test/c.test.ts', text: "import '@slackwater/test-support/postgres';" },
    { path: 'test/e2e/f.test.ts', text: "import '@slackwater/middleware';" },
    { path: 'test/e2e/river.test.ts', text: "import '@slackwater/middleware';" },
    { path: 'test/e.test.ts', text: "import '@slackwater/shared'; import './program.ts';" },
    { path: 'test/program.ts', text: "import { spawn } from 'node:child_process';" },
    { path: 'test/crash/d.test.ts', text: "import '@slackwater/shared';" },
  ];
  expect(publicSuites(files)).toEqual(['test/a.test.ts', 'test/e2e/river.test.ts']);
});
