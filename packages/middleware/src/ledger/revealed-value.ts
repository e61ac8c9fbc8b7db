import type { JsonValue } from '@slackwater/shared';

/** A parameter in plain text: its value, as JSON; a body that is no text as base64. Absent where the request has no such parameter. */
export interface ParameterValue {
  readonly name: string;
  readonly value?: JsonValue | { readonly base64: string };
}

/** The name that stands for the list of all names. */
export const allNames = 'names';

const mostCharacters = 256;
const name = /^(?:names|path|identity|address|body|body \/.*|query .+|header [!#$%&'*+.^_`|~0-9a-z-]+)$/su;

/** What names look like, to be read after "give". */
export const nameRule =
  'names, path, "query <name>", "header <name>" in lower case, body, "body <JSON pointer>", identity or address';

/** Whether a text is the name of a parameter that a request may have. */
export function isParameterName(text: string): boolean {
  return text.length <= mostCharacters && name.test(text);
}

/** A parameter's bytes as a value. Values of a JSON body, and the identity, are JSON; all else is text. */
export function revealedValue(parameter: string, bytes: Uint8Array | undefined): ParameterValue {
  if (bytes === undefined) return { name: parameter };
  const text = textOf(bytes);
  if (text === undefined)
    return { name: parameter, value: { base64: Buffer.from(bytes).toString('base64') } };
  const isJson = parameter === 'identity' || parameter.startsWith('body /');
  return { name: parameter, value: isJson ? (JSON.parse(text) as JsonValue) : text };
}

function textOf(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return undefined;
  }
}
