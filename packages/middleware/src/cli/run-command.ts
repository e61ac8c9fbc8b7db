import { isSlackwaterError } from '@slackwater/shared';
import type { Command, Surroundings } from './command.ts';
import { copyCommand } from './copy-command.ts';
import { eraseCommand } from './erase-command.ts';
import { exportCommand } from './export-command.ts';
import { CommandFailed, NotVerified, UsageError } from './failures.ts';
import { inspectCommand } from './inspect-command.ts';
import { keysCommand } from './keys-command.ts';
import { planCommand } from './plan-command.ts';
import { redriveCommand } from './redrive-command.ts';
import { reindexCommand } from './reindex-command.ts';
import { trainCommand } from './train-command.ts';
import { verifyCommand } from './verify-command.ts';

const commands: Readonly<Record<string, Command>> = {
  copy: copyCommand,
  erase: eraseCommand,
  export: exportCommand,
  inspect: inspectCommand,
  keys: keysCommand,
  plan: planCommand,
  redrive: redriveCommand,
  reindex: reindexCommand,
  train: trainCommand,
  verify: verifyCommand,
};

/** Runs one command line, without the program's name. Resolves with the exit code: 0, 1 for a failure, 2 for bad input, 3 for a bad ledger. */
export async function runCommand(args: readonly string[], surroundings: Surroundings): Promise<number> {
  const [name, ...rest] = args;
  const { stdout, stderr } = surroundings;
  try {
    if (name === undefined || name === '--help' || name === '-h' || name === 'help') {
      // Without anything it is a question all the same, and not the answer to one.
      (name === undefined ? stderr : stdout).write(overview());
      return name === undefined ? 2 : 0;
    }
    const command = Object.hasOwn(commands, name) ? commands[name] : undefined;
    if (command === undefined) {
      throw new UsageError(
        `there is no command ${JSON.stringify(name)}; give one of: ${Object.keys(commands).join(', ')}`,
      );
    }
    if (rest.includes('--help') || rest.includes('-h')) stdout.write(command.help);
    else await command.run(rest, surroundings);
    return 0;
  } catch (error) {
    stderr.write(`slackwater: ${told(error)}\n`);
    return exitCodeOf(error);
  }
}

function exitCodeOf(error: unknown): number {
  if (error instanceof UsageError) return 2;
  return error instanceof NotVerified ? 3 : 1;
}

function overview(): string {
  const lines = Object.entries(commands).map(([name, { summary }]) => `  ${name.padEnd(8)} ${summary}\n`);
  return `Usage: slackwater <command> [options]\n\n${lines.join('')}\nslackwater <command> --help says more.\n`;
}

/** What went wrong, for people. What nobody expected comes with the place where it happened. */
function told(error: unknown): string {
  const isForPeople = [UsageError, CommandFailed, NotVerified].some((kind) => error instanceof kind);
  if (isForPeople && error instanceof Error) return error.message;
  if (isSlackwaterError(error)) return `${error.code}: ${error.message}`;
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
