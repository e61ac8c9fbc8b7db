import { execFileSync } from 'node:child_process';
import { availableParallelism } from 'node:os';

/** Who has which cores: a server the first, whoever asks it the others. */
export type Share = 'server' | 'load' | 'all';

/** Which cores a share is, as `taskset` takes them; undefined where nobody is to be kept to any. */
function coresOf(share: Share): string | undefined {
  const cores = availableParallelism();
  if (cores < 2) return undefined;
  const last = cores - 1;
  return { server: '0', load: last === 1 ? '1' : `1-${last}`, all: `0-${last}` }[share];
}

/**
 * Starts something whose processes stay on their share of the cores: what this process starts meanwhile inherits it. Without `taskset`
 * (only Linux has it), or on a single core, nobody is kept anywhere.
 */
export async function onCores<Started>(
  share: Share,
  start: () => Promise<Started> | Started,
): Promise<Started> {
  if (!keepTo(share)) return start();
  try {
    return await start();
  } finally {
    keepTo('all');
  }
}

/** Whether processes are kept to their cores here. */
export function coresAreKept(): boolean {
  return keepTo('all');
}

function keepTo(share: Share): boolean {
  const cores = coresOf(share);
  if (cores === undefined) return false;
  try {
    execFileSync('taskset', ['-acp', cores, String(process.pid)], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}
