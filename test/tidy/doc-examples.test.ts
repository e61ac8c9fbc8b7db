import { execFile } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { codeBlocksOf, markdownFiles } from './markdown.ts';
import { readTree, root, type TextFile } from './tree.ts';

interface Example {
  /** `README.md:12`. */
  readonly where: string;
  readonly text: string;
}

/** The TypeScript blocks that import Slackwater, each with what is given for it in front. */
function examplesOf(files: readonly TextFile[]): readonly Example[] {
  return files.flatMap((file) =>
    codeBlocksOf(file)
      .filter(
        ({ language, code }) => /^(?:ts|typescript)$/.test(language) && /from '@slackwater\//.test(code),
      )
      .map(({ code, given, line }) => ({
        where: `${file.path}:${line}`,
        text: `${given}\n${code}\nexport {};\n`,
      })),
  );
}

/**
 * Compiles all examples in one run against the sources. They lie beneath node_modules, so that they find the
 * packages that users would install, in a folder that is not checked in.
 */
async function compile(examples: readonly Example[], folder: string): Promise<readonly string[]> {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  examples.forEach(({ text }, at) => {
    writeFileSync(join(folder, `example-${at}.ts`), text);
  });
  const compilerOptions = { noUnusedLocals: false, noUnusedParameters: false, tsBuildInfoFile: null };
  const config = {
    extends: join(root, 'test/tsconfig.json'),
    compilerOptions,
    include: [],
    files: examples.map((_, at) => `example-${at}.ts`),
  };
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(config));
  const said = await runTsc(['-p', folder, '--pretty', 'false']);
  return said
    .split('\n')
    .filter((line) => line !== '')
    .map((line) =>
      line.replace(/^.*example-(\d+)\.ts/, (_, at: string) => examples[Number(at)]?.where ?? at),
    );
}

async function runTsc(args: readonly string[]): Promise<string> {
  const tsc = join(root, 'node_modules/typescript/bin/tsc');
  try {
    const { stdout } = await promisify(execFile)(process.execPath, [tsc, ...args], { cwd: root });
    return stdout;
  } catch (error) {
    if (error instanceof Error && 'stdout' in error && error.stdout !== '') return String(error.stdout);
    throw error;
  }
}

const cache = join(root, 'node_modules/.cache/doc-examples');

describe('examples in the documents', () => {
  const examples = examplesOf(markdownFiles(readTree()));

  it('are there in the README', () => {
    expect(examples.filter(({ where }) => where.startsWith('README.md'))).not.toEqual([]);
  });

  it('compile', { timeout: 240_000 }, async () => {
    expect(await compile(examples, join(cache, 'real'))).toEqual([]);
  });

  it('are found not to compile', { timeout: 240_000 }, async () => {
    const text = [
      '# Words',
      '<!-- given: declare const given: number; -->',
      '```ts',
      "import { errorCodes } from '@slackwater/shared';",
      'export const count: number = given + errorCodes.length;',
      '```',
      '```ts',
      "import { noSuchThing } from '@slackwater/shared';",
      '```',
      '```js',
      "import { alsoNot } from '@slackwater/shared';",
      '```',
    ].join('\n');
    const complaints = await compile(examplesOf([{ path: 'bad.md', text }]), join(cache, 'bad'));
    expect(complaints).toEqual([expect.stringMatching(/^bad\.md:7.*noSuchThing/)]);
  });
});
