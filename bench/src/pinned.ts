import { spawnSync } from 'node:child_process';
import { availableParallelism } from 'node:os';

/**
 * How a script of Node is run on one core alone, as options of `fork`: by `taskset`, where there are two cores and it is to be had; else
 * as the system likes. Server and load on cores of their own don't take each other's time.
 */
export function pinned(core: 0 | 1): { readonly execPath?: string; readonly execArgv?: string[] } {
  if (!canPin()) return {};
  return {
    execPath: 'taskset',
    execArgv: ['--cpu-list', String(core), process.execPath, ...process.execArgv],
  };
}

/** In words, for the settings of a result. */
export function pinning(): string {
  return canPin()
    ? 'server on core 0, load on core 1 (taskset)'
    : 'server and load wherever the system puts them';
}

let known: boolean | undefined;

function canPin(): boolean {
  // A container may have cores of other numbers.
  known ??= availableParallelism() > 1 && [0, 1].every((core) => runsOn(core));
  return known;
}

function runsOn(core: number): boolean {
  return spawnSync('taskset', ['--cpu-list', String(core), 'true']).status === 0;
}
