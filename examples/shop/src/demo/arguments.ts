import { parseArgs } from 'node:util';

/** What the demo was asked for. */
export type Wish =
  | { readonly mode: 'help' }
  | { readonly mode: 'demo'; readonly short: boolean }
  | { readonly mode: 'serve'; readonly port: number };

/** What `--help` prints. */
export const help = `A shop on its own PostgreSQL whose commits become slow, and what Slackwater makes of it.

  npm run demo                     shows it, verifies the ledger, ends by itself after about 30 s
  npm run demo -- --short          the same in about 15 s
  npm run demo -- --serve          keeps the shop open until Ctrl-C, to be tried with curl
  npm run demo -- --serve --port 3000
  npm run demo -- --help

In a terminal it draws a live view; piped, or with TERM=dumb, it prints plain lines. NO_COLOR is honoured.
The last line of a demo is one JSON object; examples/shop/README.md says what it counts.
`;

/** Reads the command line of an npm script. Throws an Error of one sentence where it is not understood. */
export function readArguments(given: readonly string[], script = 'demo'): Wish {
  const { values } = parse(given, script);
  if (values.help === true) return { mode: 'help' };
  if (values.serve !== true) {
    if (values.port !== undefined) throw new Error('--port is for --serve; the demo takes any free port.');
    return { mode: 'demo', short: values.short === true };
  }
  if (values.short === true) throw new Error('--short is for the demo; --serve ends with Ctrl-C.');
  return { mode: 'serve', port: readPort(values.port) };
}

function parse(given: readonly string[], script: string) {
  try {
    return parseArgs({
      args: [...given],
      options: {
        serve: { type: 'boolean' },
        short: { type: 'boolean' },
        port: { type: 'string' },
        help: { type: 'boolean', short: 'h' },
      },
    });
  } catch (error) {
    const message = error instanceof Error ? (error.message.split(/[.\n]/)[0] ?? '') : String(error);
    throw new Error(`${message}; npm run ${script} -- --help lists what there is.`, { cause: error });
  }
}

function readPort(text: string | undefined): number {
  if (text === undefined) return 0;
  const port = Number(text);
  if (!/^\d+$/.test(text) || port > 65_535) {
    throw new Error(`--port ${JSON.stringify(text)} is no port; give a number from 0 to 65535.`);
  }
  return port;
}
