import type { ChildProcess } from 'node:child_process';

const endWithinMs = 30_000;

/** Sends the signal and resolves when the process is gone; one that does not go in time is killed. */
export async function endProcess(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (!isRunning(child)) return;
  child.ref();
  const gone = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  child.kill(signal);
  const insist = setTimeout(() => child.kill('SIGKILL'), endWithinMs);
  await gone;
  clearTimeout(insist);
}

/** Whether it was started and has not ended. */
export function isRunning(child: ChildProcess): boolean {
  return child.pid !== undefined && child.exitCode === null && child.signalCode === null;
}
