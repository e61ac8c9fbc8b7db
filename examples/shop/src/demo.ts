/** `npm run demo`: see `demo/arguments.ts` for what can be asked for. */
import { help, readArguments, type Wish } from './demo/arguments.ts';
import { keepOpen } from './demo/keep-open.ts';
import { runDemo } from './demo/run.ts';

const interrupted = 130;
const misunderstood = 2;

function understand(): Wish | undefined {
  try {
    return readArguments(process.argv.slice(2));
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

async function run(wish: Exclude<Wish, { mode: 'help' }>): Promise<void> {
  const signal = endOnSignals();
  try {
    process.exitCode = await (wish.mode === 'serve'
      ? keepOpen(wish.port, signal)
      : runDemo(wish.short, signal));
  } catch (error) {
    if (!signal.aborted) complain(error);
    process.exitCode = signal.aborted ? interrupted : 1;
  }
  // When all is written: a connection that somebody else keeps open must not keep the demo.
  process.stdout.write('', () => process.exit());
}

const wish = understand();
if (wish?.mode === 'help') process.stdout.write(help);
else if (wish !== undefined) await run(wish);
