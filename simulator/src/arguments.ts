import { parseArgs } from 'node:util';

/** What `npm run simulate` was asked for. */
export type Wish =
  | { readonly kind: 'help' }
  | {
      readonly kind: 'simulate';
      /** The scenario's file. */
      readonly scenario: string;
      readonly json: boolean;
      /** Where the picture goes; undefined where none was asked for. */
      readonly svg: string | undefined;
    };

/** Reads the command line. Throws an Error of one sentence where it is not understood. */
export function readArguments(given: readonly string[]): Wish {
  const { help = false, json = false, scenario = [], svg = [] } = parse(given);
  if (help) return { kind: 'help' };
  return {
    kind: 'simulate',
    scenario: one('scenario', scenario),
    json,
    svg: svg.length === 0 ? undefined : one('svg', svg),
  };
}

function one(name: string, values: readonly string[]): string {
  const [value = '', ...more] = values;
  if (more.length > 0) throw new Error(`--${name} is there ${more.length + 1} times; give it once.`);
  if (value === '') throw new Error(`--${name} names no file; give one: --${name} ${examples[name] ?? ''}`);
  return value;
}

const examples: Readonly<Record<string, string>> = {
  scenario: 'simulator/scenarios/steady.json',
  svg: 'steady.svg',
};

function parse(given: readonly string[]) {
  try {
    const { values } = parseArgs({
      args: [...given],
      options: {
        help: { type: 'boolean', short: 'h' },
        json: { type: 'boolean' },
        scenario: { type: 'string', multiple: true },
        svg: { type: 'string', multiple: true },
      },
    });
    return values;
  } catch (error) {
    const message = error instanceof Error ? (error.message.split(/[.\n]/)[0] ?? '') : String(error);
    throw new Error(`${message}; npm run simulate -- --help lists what there is.`, { cause: error });
  }
}
