import type { Clock } from '../clock.ts';

/** What a command writes to: one of the process's streams. */
export interface Output {
  /** True for a terminal, where a line may be written again. */
  readonly isTTY?: boolean | undefined;
  /** Characters of a terminal's line. */
  readonly columns?: number | undefined;
  write(text: string): unknown;
}

/** What a command is run with. */
export interface Surroundings {
  /** For the result alone. */
  readonly stdout: Output;
  /** For people. */
  readonly stderr: Output;
  readonly clock: Clock;
}

/** One of the things that `slackwater` does. */
export interface Command {
  /** One line. */
  readonly summary: string;
  /** What `--help` shows. */
  readonly help: string;
  /** Rejects with a {@link UsageError}, a {@link CommandFailed}, or what ledger and engine reject with. */
  run(args: readonly string[], surroundings: Surroundings): Promise<void>;
}
