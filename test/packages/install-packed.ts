import { existsSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { installPacked } from './packed.ts';
import { packedProject } from './packed-project.ts';

/** Before a run of suites on the packed packages: packs and installs them, once for all. Returns what is to be done after the run. */
export default async function setUp(): Promise<(() => Promise<void>) | undefined> {
  if (existsSync(packedProject)) return undefined;
  const remove = (): Promise<void> => rm(packedProject, { recursive: true, force: true });
  await installPacked(packedProject).catch(async (error: unknown) => {
    await remove();
    throw error;
  });
  return remove;
}
