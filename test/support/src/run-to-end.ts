const interrupted = 130;

/**
 * Runs a program of the command line that is given a signal, and ends the process with the exit code it resolves with. The first Ctrl-C (SIGTERM, SIGHUP)
 * aborts the signal: where the program rejects then, it has ended in order, and the code is 130. The second ends the process at once. What else it
 * rejects with is told in a sentence, and the code is 1.
 */
export async function runToEnd(program: (signal: AbortSignal) => Promise<number>): Promise<void> {
  const signal = endOnSignals();
  try {
    process.exitCode = await program(signal);
  } catch (error) {
    // What ended because the same Ctrl-C reached a program that was waited for is no trouble: the signal is heard after it.
    await new Promise((resolve) => setImmediate(resolve));
    if (!signal.aborted) process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    process.exitCode = signal.aborted ? interrupted : 1;
  }
  // When all is written: a connection that somebody else keeps open must not keep the process.
  process.stdout.write('', () => process.exit());
}

function endOnSignals(): AbortSignal {
  const ending = new AbortController();
  const end = (): void => {
    if (ending.signal.aborted) process.exit(interrupted);
    ending.abort();
  };
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, end);
  // Whoever read our lines has gone: nobody is left to show anything to.
  process.stdout.on('error', () => ending.abort());
  return ending.signal;
}
