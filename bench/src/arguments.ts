import { parseArgs } from 'node:util';

/** What `npm run bench` was asked for. */
export interface Wish {
  readonly help: boolean;
  readonly quick: boolean;
  readonly json: boolean;
  /** Names of benchmarks; all where it is empty. */
  readonly only: readonly string[];
}

/** Reads the command line. Throws an Error of one sentence where it is not understood. */
export function readArguments(given: readonly string[], names: readonly string[]): Wish {
  const { help = false, quick = false, json = false, only = [] } = parse(given);
  const unknown = only.find((name) => !names.includes(name));
  if (unknown !== undefined) {
    throw new Error(`There is no benchmark ${JSON.stringify(unknown)}; there are ${names.join(', ')}.`);
  }
  return { help, quick, json, only };
}

function parse(given: readonly string[]) {
  try {
    const { values } = parseArgs({
      args: [...given],
      options: {
        help: { type: 'boolean', short: 'h' },
        quick: { type: 'boolean' },
        json: { type: 'boolean' },
        only: { type: 'string', multiple: true },
      },
    });
    return values;
  } catch (error) {
    const message = error instanceof Error ? (error.message.split(/[.\n]/)[0] ?? '') : String(error);
    throw new Error(`${message}; npm run bench -- --help lists what there is.`, { cause: error });
  }
}
