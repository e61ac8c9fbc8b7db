import { existsSync, rmSync } from 'node:fs';
import { startGuard } from '../support/src/guard.ts';
import { installPacked } from './packed.ts';
import { packedProject } from './packed-project.ts';

/** Before a run of suites on the packed packages: packs and installs them, once for all. Returns what is to be done after the run. */
export default async function setUp(): Promise<(() => void) | undefined> {
  if (existsSync(packedProject)) return undefined;
  const guard = startGuard(packedProject);
  const remove = (): void => {
    guard.dismiss();
    rmSync(packedProject, { recursive: true, force: true });
  };
  try {
    await installPacked(packedProject);
  } catch (error) {
    remove();
    throw error;
  }
  return remove;
}
