import { readArguments, type Wish } from './arguments.ts';

/** A demo as a program of the command line. */
export interface Program {
  /** The npm script that starts it. */
  readonly script: string;
  readonly help: string;
  /** Plays it; resolves with the exit code. */
  readonly play: (short: boolean, signal: AbortSignal) => Promise<number>;
  /** Keeps it open until the signal; resolves with the exit code. */
  readonly serve: (port: number, signal: AbortSignal) => Promise<number>;
}

const interrupted = 130;
const misunderstood = 2;

/** Does what the command line asks for, and ends the process. */
export async function runProgram(program: Program): Promise<void> {
  const wish = understand(program.script);
  if (wish?.mode === 'help') process.stdout.write(program.help);
  else if (wish !== undefined) await run(program, wish);
}

function understand(script: string): Wish | undefined {
  try {
    return readArguments(process.argv.slice(2), script);
  } catch (error) {
    complain(error);
    process.exitCode = misunderstood;
    return undefined;
  }
}

function complain(error: unknown): void {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
}

/** Ends with the first Ctrl-C in order, with the second at once. */
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

async function run(program: Program, wish: Exclude<Wish, { mode: 'help' }>): Promise<void> {
  const signal = endOnSignals();
  try {
    process.exitCode = await (wish.mode === 'serve'
      ? program.serve(wish.port, signal)
      : program.play(wish.short, signal));
  } catch (error) {
    if (!signal.aborted) complain(error);
    process.exitCode = signal.aborted ? interrupted : 1;
  }
  // When all is written: a connection that somebody else keeps open must not keep the demo.
  process.stdout.write('', () => process.exit());
}
