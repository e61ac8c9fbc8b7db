import { readFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';

/** What was typed can't be meant. */
export class TypedWrong extends Error {}

/** What was typed, read. */
export type Typed = ReturnType<typeof readTyped>;

/** Reads the arguments. @throws TypedWrong. */
export function readTyped(args: readonly string[]) {
  try {
    const { values, positionals } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        base: { type: 'string' },
        header: { type: 'string', multiple: true, default: [] },
        data: { type: 'string' },
        key: { type: 'string' },
        begin: { type: 'boolean', default: false },
        'keeps-keys': { type: 'boolean', default: false },
        deadline: { type: 'string', default: '120' },
        'verifier-key': { type: 'string', multiple: true, default: [] },
        receipts: { type: 'string' },
        filter: { type: 'string', multiple: true, default: [] },
        verbose: { type: 'boolean', default: false },
        help: { type: 'boolean', default: false },
      },
    });
    const [command, ...rest] = positionals;
    return { ...values, command, rest };
  } catch (error) {
    throw new TypedWrong(error instanceof Error ? error.message : String(error));
  }
}

/** `Name: value` lines as headers. */
export function headersOf(lines: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    lines.map((line) => {
      const colon = line.indexOf(':');
      if (colon < 1) throw new TypedWrong(`--header "${line}": write "Name: value"`);
      return [line.slice(0, colon).trim(), line.slice(colon + 1).trim()];
    }),
  );
}

/** `name=value` pairs. */
export function filtersOf(pairs: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    pairs.map((pair) => {
      const equals = pair.indexOf('=');
      if (equals < 1) throw new TypedWrong(`--filter "${pair}": write name=value, such as status=Failed`);
      return [pair.slice(0, equals), pair.slice(equals + 1)];
    }),
  );
}

/** Seconds as milliseconds. */
export function deadlineMsOf(text: string): number {
  const seconds = Number(text);
  if (text.trim() === '' || !(seconds > 0) || seconds > 2_000_000) {
    throw new TypedWrong(`--deadline "${text}": give seconds, such as 120`);
  }
  return seconds * 1_000;
}

/** A body: the text itself, or that of a file or of standard input. */
export async function dataOf(text: string, stdin: AsyncIterable<unknown>): Promise<string | Uint8Array> {
  if (text === '@-') return await textOf(stdin);
  return text.startsWith('@') ? await readFile(text.slice(1)) : text;
}

/** All of a stream. */
export async function textOf(stream: AsyncIterable<unknown>): Promise<string> {
  const decoder = new TextDecoder();
  let text = '';
  for await (const chunk of stream)
    text += chunk instanceof Uint8Array ? decoder.decode(chunk, { stream: true }) : String(chunk);
  return text;
}
