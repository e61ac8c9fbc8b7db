import { parseArgs } from 'node:util';

/** What `npm run bench` was asked for. */
export interface Wish {
  readonly help: boolean;
  readonly quick: boolean;
  readonly json: boolean;
  /** How many entries the ledger grows to; undefined: as many as the benchmark thinks fit. */
  readonly entries: number | undefined;
  /** Whether the results are kept in docs/benchmarks, and its pages made anew. */
  readonly save: boolean;
  /** Names of benchmarks; all where it is empty. */
  readonly only: readonly string[];
}

const leastEntries = 10_000;

/** Reads the command line. Throws an Error of one sentence where it is not understood. */
export function readArguments(given: readonly string[], names: readonly string[]): Wish {
  const { help = false, quick = false, json = false, save = false, only, entries } = parse(given);
  const unknown = only.find((name) => !names.includes(name));
  if (unknown !== undefined) {
    throw new Error(`There is no benchmark ${JSON.stringify(unknown)}; there are ${names.join(', ')}.`);
  }
  const wanted = entries === undefined ? undefined : Number(entries);
  if (wanted !== undefined && !(Number.isSafeInteger(wanted) && wanted >= leastEntries)) {
    throw new Error(`--entries ${entries}: give a whole number from ${leastEntries} on.`);
  }
  return { help, quick, json, save, only, entries: wanted };
}

function parse(given: readonly string[]) {
  try {
    const { values, positionals } = parseArgs({
      allowPositionals: true,
      args: [...given],
      options: {
        help: { type: 'boolean', short: 'h' },
        quick: { type: 'boolean' },
        json: { type: 'boolean' },
        entries: { type: 'string' },
        save: { type: 'boolean' },
      },
    });
    return { ...values, only: positionals };
  } catch (error) {
    const message = error instanceof Error ? (error.message.split(/[.\n]/)[0] ?? '') : String(error);
    throw new Error(`${message}; npm run bench -- --help lists what there is.`, { cause: error });
  }
}
