import type { CapturedRequest } from './deferral.ts';
import { cutJson } from './json-cut.ts';

// A request cut into its parameters and a frame: what is left when they are taken out. Every parameter can then be sealed, and
// read, by itself; frame and parameters together are the request again, byte for byte.
//
//   path                 the path as it came, without the query
//   query <name>         each value of the query, as it came (percent-encoded)
//   header <name>        each header that is kept
//   body <JSON pointer>  each value of a JSON body (RFC 6901), as its JSON text; "body" alone is a body as a whole
//   identity, address    what the server knew of the caller
//
// Of a name that is there twice the last one is the parameter, as most frameworks read it; those before it stay in the frame.

/** Which parameters are sealed by themselves: all, or those of a list. What is in no parameter is sealed with the frame. */
export type ChosenParameters = 'all' | ReadonlySet<string>;

/** One parameter. */
export interface Parameter {
  readonly name: string;
  readonly value: Uint8Array;
}

/** What is left of a request without its parameters; JSON. A number is that of the parameter which belongs there. */
export interface Frame {
  readonly url: readonly Piece[];
  readonly headers: readonly (readonly [name: string, value: Piece])[];
  /** Of a body that is not cut: its one parameter, or its bytes in base64. */
  readonly body: readonly Piece[] | { readonly base64: string } | number;
  readonly secure?: true;
}

/** Text that stays, or the number of a parameter. */
export type Piece = string | number;

/** `identity` and `address` are parameters always: they are the server's, and nobody lists them. */
export const ownParameters = ['identity', 'address'] as const;

/** A request, cut. */
export interface CutRequest {
  readonly parameters: readonly Parameter[];
  readonly frame: Frame;
}

/** Larger bodies are cut only where a list says so: looking through them takes long, and cutting them longer. */
const mostBytesOfAll = 16 * 1024;
/** Values of a body that become parameters of their own with `all`. */
const mostValuesOfAll = 256;
const mostOthersOfAll = 256;

/** Cuts a request. */
export function cutRequest(request: CapturedRequest, chosen: ChosenParameters): CutRequest {
  const parameters: Parameter[] = [];
  const numbers = new Map<string, number>();

  /** The number of a parameter that was chosen, else the text itself. */
  function take(name: string, text: string, most: number): Piece {
    const isChosen = chosen === 'all' ? parameters.length < most : chosen.has(name);
    if (!isChosen || numbers.has(name)) return text;
    return add(name, Buffer.from(text, 'utf8'));
  }

  function add(name: string, value: Uint8Array): number {
    numbers.set(name, parameters.length);
    parameters.push({ name, value });
    return parameters.length - 1;
  }

  const url = cutUrl(request.url, (name, text) => take(name, text, mostOthersOfAll));
  const headers = lastFirst(request.headers, ([name, value]) => {
    return [name, take(`header ${name}`, value, mostOthersOfAll)] as const;
  });
  const body = cutBody(request, chosen, add);
  const identity = request.identity === undefined ? undefined : JSON.stringify(request.identity);
  if (identity !== undefined) add('identity', Buffer.from(identity, 'utf8'));
  if (request.remoteAddress !== undefined) add('address', Buffer.from(request.remoteAddress, 'utf8'));
  return { parameters, frame: { url, headers, body, ...(request.secure === true && { secure: true }) } };
}

/** The request again; `method` is kept elsewhere. Throws a `TypeError` where the frame names parameters that are not there. */
export function joinRequest({ parameters, frame }: CutRequest, method: string): CapturedRequest {
  const valueAt = (number: number): Uint8Array => {
    const parameter = parameters[number];
    if (parameter === undefined) throw new TypeError(`there is no parameter ${number}`);
    return parameter.value;
  };
  const textOf = (piece: Piece): string => (typeof piece === 'string' ? piece : utf8(valueAt(piece)));
  const own = (name: (typeof ownParameters)[number]): Uint8Array | undefined =>
    parameters.find((parameter) => parameter.name === name)?.value;
  const identity = own('identity');
  const address = own('address');
  return {
    method,
    url: frame.url.map(textOf).join(''),
    headers: frame.headers.map(([name, value]) => [name, textOf(value)] as const),
    body: joinBody(frame.body, valueAt, textOf),
    remoteAddress: address && utf8(address),
    identity: identity && (JSON.parse(utf8(identity)) as unknown),
    // Whoever took this away, or put it here, has changed the context that the digest is bound to.
    ...(frame.secure === true && { secure: true }),
  };
}

function joinBody(
  body: Frame['body'],
  valueAt: (number: number) => Uint8Array,
  textOf: (piece: Piece) => string,
): Uint8Array {
  if (typeof body === 'number') return valueAt(body);
  if (!('base64' in body)) return Buffer.from(body.map(textOf).join(''), 'utf8');
  return Buffer.from(body.base64, 'base64');
}

function cutUrl(url: string, take: (name: string, text: string) => Piece): readonly Piece[] {
  const start = url.indexOf('?');
  const path = take('path', start === -1 ? url : url.slice(0, start));
  if (start === -1) return [path];
  const pairs = url.slice(start + 1).split('&');
  const pieces = lastFirst(pairs, (pair): readonly Piece[] => {
    const end = pair.indexOf('=');
    if (end === -1) return [pair];
    return [pair.slice(0, end + 1), take(`query ${decoded(pair.slice(0, end))}`, pair.slice(end + 1))];
  });
  return joinedTexts([path, '?', ...pieces.flatMap((pair, i) => (i === 0 ? pair : ['&', ...pair]))]);
}

function cutBody(
  { headers, body }: CapturedRequest,
  chosen: ChosenParameters,
  add: (name: string, value: Uint8Array) => number,
): Frame['body'] {
  const isLooked =
    chosen === 'all' ? body.length <= mostBytesOfAll : [...chosen].some((name) => name.startsWith('body /'));
  const text = isLooked && isJson(headers) ? textOfUtf8(body) : undefined;
  const which = chosen === 'all' ? { most: mostValuesOfAll } : { pointers: pointersOf(chosen) };
  const values = text === undefined ? undefined : cutJson(text, which);
  if (text === undefined || values === undefined || values.length === 0) {
    if (chosen === 'all' || chosen.has('body')) return add('body', body);
    return { base64: Buffer.from(body).toString('base64') };
  }
  const pieces: Piece[] = [];
  let end = 0;
  for (const value of values) {
    pieces.push(text.slice(end, value.start));
    pieces.push(add(`body ${value.pointer}`, Buffer.from(text.slice(value.start, value.end), 'utf8')));
    end = value.end;
  }
  return [...pieces, text.slice(end)];
}

function pointersOf(chosen: ReadonlySet<string>): ReadonlySet<string> {
  return new Set(
    [...chosen].filter((name) => name.startsWith('body /')).map((name) => name.slice('body '.length)),
  );
}

function isJson(headers: CapturedRequest['headers']): boolean {
  const of = (name: string): string | undefined => headers.find(([known]) => known === name)?.[1];
  const type = (of('content-type') ?? '').split(';', 1)[0]?.trim().toLowerCase() ?? '';
  return (
    (type === 'application/json' || type.endsWith('+json')) &&
    (of('content-encoding') ?? 'identity') === 'identity'
  );
}

/** Maps a list from its end, so that of several of one name the last comes first. */
function lastFirst<In, Out>(items: readonly In[], map: (item: In) => Out): readonly Out[] {
  return [...items].reverse().map(map).reverse();
}

function joinedTexts(pieces: readonly Piece[]): readonly Piece[] {
  const joined: Piece[] = [];
  for (const piece of pieces) {
    const last = joined.at(-1);
    if (typeof piece === 'string' && typeof last === 'string') joined[joined.length - 1] = last + piece;
    else joined.push(piece);
  }
  return joined;
}

function decoded(name: string): string {
  try {
    return decodeURIComponent(name.replaceAll('+', ' '));
  } catch {
    return name;
  }
}

/** Undefined unless encoding the text again gives the very bytes. */
function textOfUtf8(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return undefined;
  }
}

function utf8(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8');
}
