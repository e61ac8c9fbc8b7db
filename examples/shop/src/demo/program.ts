import { runToEnd } from '@slackwater/test-support/run-to-end';
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

const misunderstood = 2;

/** Does what the command line asks for, and ends the process. */
export async function runProgram(program: Program): Promise<void> {
  const wish = understand(program.script);
  if (wish?.mode === 'help') process.stdout.write(program.help);
  else if (wish !== undefined)
    await runToEnd((signal) =>
      wish.mode === 'serve' ? program.serve(wish.port, signal) : program.play(wish.short, signal),
    );
}

function understand(script: string): Wish | undefined {
  try {
    return readArguments(process.argv.slice(2), script);
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    process.exitCode = misunderstood;
    return undefined;
  }
}
