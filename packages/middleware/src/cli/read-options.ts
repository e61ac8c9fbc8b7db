import { parseArgs } from 'node:util';
import { UsageError } from './failures.ts';

/**
 * The options of a command line, each with the value behind it, and flags, which have none; nothing else is allowed. Throws a
 * {@link UsageError} for what is unknown, lacks its value, stands there twice, or has an empty value.
 */
export function readOptions<Name extends string, Flag extends string = never>(
  command: string,
  args: readonly string[],
  names: readonly Name[],
  flags: readonly Flag[] = [],
): Readonly<Partial<Record<Name, string>>> & Readonly<Partial<Record<Flag, true>>> {
  const { values } = parse(command, args, names, flags);
  const given: Partial<Record<Name, string>> = {};
  const set: Partial<Record<Flag, true>> = {};
  for (const flag of flags) if (values[flag] !== undefined) set[flag] = true;
  for (const name of names) {
    const [value, ...more] = (values[name] ?? []) as readonly string[];
    if (more.length > 0) throw usage(command, `--${name} is there ${more.length + 1} times; give it once`);
    if (value === '') throw usage(command, `--${name} is empty; leave it out, or give it a value`);
    if (value !== undefined) given[name] = value;
  }
  return { ...given, ...set };
}

/** A {@link UsageError} that also says where the help is. */
export function usage(command: string, problem: string): UsageError {
  return new UsageError(`${problem} (slackwater ${command} --help)`);
}

function parse(
  command: string,
  args: readonly string[],
  names: readonly string[],
  flags: readonly string[],
): { readonly values: Readonly<Record<string, unknown>> } {
  try {
    const options = Object.fromEntries<{ type: 'string' | 'boolean'; multiple: true }>([
      ...names.map((name) => [name, { type: 'string', multiple: true }] as const),
      ...flags.map((name) => [name, { type: 'boolean', multiple: true }] as const),
    ]);
    return parseArgs({ args: [...args], options, strict: true, allowPositionals: false });
  } catch (error) {
    throw usage(command, error instanceof Error ? error.message : String(error));
  }
}
