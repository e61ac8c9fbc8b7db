import { execFileSync } from 'node:child_process';
import { cpSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = fileURLToPath(new URL('..', import.meta.url));
const packages = fileURLToPath(new URL('../../../node_modules', import.meta.url));

/** The address book as it is. */
export const withoutSlackwater = here;

/** The five lines. */
export const difference = join(here, 'add-slackwater.diff');

/** Copies the address book and applies the difference to the copy; `remove` deletes it. */
export function copyWithSlackwater(): { readonly folder: string; remove(): void } {
  const folder = mkdtempSync(join(tmpdir(), 'slackwater-drop-in-'));
  const remove = (): void => rmSync(folder, { recursive: true, force: true });
  try {
    cpSync(join(here, 'src'), join(folder, 'src'), { recursive: true });
    cpSync(join(here, 'package.json'), join(folder, 'package.json'));
    symlinkSync(packages, join(folder, 'node_modules'));
    // Told where no repository begins, git takes the paths as they stand.
    const env = { ...process.env, GIT_CEILING_DIRECTORIES: tmpdir() };
    execFileSync('git', ['apply', difference], { cwd: folder, env });
  } catch (error) {
    remove();
    throw error;
  }
  return { folder, remove };
}
