import { type ChildProcess, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/** Ends what a test started when the process that started it is gone. */
export interface Guard {
  /**
   * From now on, and until it exits, this process ends with the one that called: by `signal`, and by SIGKILL
   * (the default) if it does not go.
   */
  watch(child: ChildProcess, signal?: NodeJS.Signals): void;
  /** Everything is ended already: the guard goes, and touches nothing. */
  dismiss(): void;
}

/**
 * Starts a process of its own that outlives this one, however it ends, for as long as it takes to end what is
 * watched and to remove `directory`. Does not keep this process alive.
 */
export function startGuard(directory: string): Guard {
  const script = fileURLToPath(new URL('guard-process.ts', import.meta.url));
  // Detached, so that a Ctrl-C meant for the starting process does not reach the guard.
  const guard = spawn(process.execPath, [script, directory], {
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  guard.on('error', () => {});
  guard.stdin.on('error', () => {});
  guard.unref();
  const { stdin } = guard;
  if ('unref' in stdin && typeof stdin.unref === 'function') stdin.unref();
  return {
    watch(child, signal = 'SIGKILL') {
      if (child.pid === undefined) return;
      stdin.write(`watch ${child.pid} ${signal}\n`);
      // Its number may become another process's.
      child.once('exit', () => {
        if (stdin.writable) stdin.write(`forget ${child.pid}\n`);
      });
    },
    dismiss: () => void stdin.end('dismiss\n'),
  };
}
