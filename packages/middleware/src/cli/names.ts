import { namePattern, nameRule } from '../options/read-values.ts';
import { usage } from './read-options.ts';

/** A name of an application or a group, as the gate would take it. Throws a `UsageError` for any other. */
export function checkedName(command: string, option: string, name: string): string {
  if (namePattern.test(name)) return name;
  throw usage(command, `--${option} ${JSON.stringify(name)}: give ${nameRule}`);
}
