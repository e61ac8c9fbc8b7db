import { SlackwaterError } from '@slackwater/shared';
import { KeyFileError } from './key-file-error.ts';

/**
 * The bytes or the text of a key file, or a function of the resource group that gives them, at once or as a promise.
 * Every host gives the same.
 */
export type GivenKeys =
  | string
  | Uint8Array
  | ((group: string) => string | Uint8Array | Promise<string | Uint8Array>);

const mostBytes = 1024 * 1024;

/**
 * Checks the option `keys` of an engine that is given its keys and never makes any, and gives what reads them: the
 * bytes of a group's key file, a copy each time. That rejects with `key-file-unreadable`. No message shows a byte of
 * what was given. Throws `option-missing` or `option-invalid`.
 */
export function givenKeys(keys: GivenKeys, engineName: string): (group: string) => Promise<Uint8Array> {
  if (keys === undefined) throw new SlackwaterError('option-missing', wanted(engineName));
  if (typeof keys === 'function') return (group) => askFor(keys, group);
  const problem = problemOf(keys);
  if (problem !== undefined) {
    throw new SlackwaterError(
      'option-invalid',
      `keys: ${problem}; give ${engineName} what is in the key file, such as readFileSync('keys.json')`,
    );
  }
  const bytes = toBytes(keys);
  return () => Promise.resolve(bytes.slice());
}

function wanted(engineName: string): string {
  return (
    `${engineName} wants keys: the bytes of a key file, the same on every host; it makes none, as hosts that each made their own ` +
    'could not read each other. "npx slackwater keys", or createKeyFile({ application, group }) of @slackwater/middleware, ' +
    'makes them once; keep them with your secrets and give them to all hosts'
  );
}

async function askFor(
  keys: Extract<GivenKeys, (group: string) => unknown>,
  group: string,
): Promise<Uint8Array> {
  let given: string | Uint8Array;
  try {
    given = await keys(group);
  } catch (cause) {
    // What it threw is not quoted: whoever looks secrets up may quote them.
    throw new KeyFileError(`the option keys, asked for the keys of ${JSON.stringify(group)}, failed`, {
      cause,
    });
  }
  const problem = problemOf(given);
  if (problem === undefined) return toBytes(given);
  throw new KeyFileError(
    `the option keys, asked for the keys of ${JSON.stringify(group)}, gave no key file: ${problem}`,
  );
}

/** What is wrong with it, as far as that shows without reading it. */
function problemOf(given: unknown): string | undefined {
  if (typeof given !== 'string' && !(given instanceof Uint8Array)) {
    return `it is ${given === null ? 'null' : `a value of type ${typeof given}`} and neither text nor bytes`;
  }
  const length = typeof given === 'string' ? Buffer.byteLength(given) : given.byteLength;
  if (length === 0) return 'it is empty';
  if (length > mostBytes) return `it has ${length} bytes; at most ${mostBytes}`;
  if (typeof given === 'string' && !given.trimStart().startsWith('{')) {
    return 'it is a text that does not begin with a brace, perhaps the name of a file';
  }
  return undefined;
}

function toBytes(given: string | Uint8Array): Uint8Array {
  return typeof given === 'string' ? new TextEncoder().encode(given) : Uint8Array.from(given);
}
