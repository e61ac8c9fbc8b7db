import { spawnSync } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startGuard } from './guard.ts';
import { sharedDataVariable } from './postgres-data.ts';

const memory = '/dev/shm';
const roomBytes = 2 * 1024 ** 3;

/**
 * Before a run of tests: its PostgreSQL servers get one folder for their data, and may share what each of them begins
 * with. It is in memory where that has room, for a disk's file system is slow to make a thousand files for each
 * server after those of another were removed. Returns what is to be done after the run.
 */
export default function sharePostgresData(): (() => void) | undefined {
  // Another project of the same run has done so.
  if (process.env[sharedDataVariable] !== undefined) return undefined;
  const folder = folderIn(memory) ?? mkdtempSync(join(tmpdir(), 'slackwater-postgres-data-'));
  // Whoever runs the servers passes through.
  chmodSync(folder, 0o711);
  process.env[sharedDataVariable] = folder;
  const guard = startGuard(folder);
  return () => {
    guard.dismiss();
    rmSync(folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
  };
}

/** A new folder there; undefined where there is too little room, or where programs can't be run. */
function folderIn(parent: string): string | undefined {
  let folder: string | undefined;
  try {
    const { bavail, bsize } = statfsSync(parent);
    if (bavail * bsize < roomBytes) return undefined;
    folder = mkdtempSync(join(parent, 'slackwater-postgres-data-'));
    const program = join(folder, 'program');
    writeFileSync(program, '#!/bin/sh\n', { mode: 0o755 });
    if (spawnSync(program).status === 0) return folder;
  } catch {
    // Not there, or not for us.
  }
  if (folder !== undefined) rmSync(folder, { recursive: true, force: true });
  return undefined;
}
