/** Slackwater-Deferred: a structured dictionary (RFC 8941 section 3.2) on an answer that was given ahead of the work, or of parts of it. */
import { ParameterError } from './parameter-error.ts';

/** What the header says. */
export type DeferredHeader =
  /** All of the request was deferred; its success was told ahead. */
  | {
      /** The deferral's id. */
      readonly id: string;
      readonly portion: 'all';
    }
  /** The request was performed, and parts of it were deferred. */
  | {
      /** The id of the first of them. */
      readonly id: string;
      readonly portion: 'part';
      readonly deferred: readonly DeferredPortion[];
      /** Names of the parts that are done, as far as the handler said. */
      readonly done: readonly string[];
    };

/** A part that waits. */
export interface DeferredPortion {
  readonly part: string;
  /** The deferral's id. */
  readonly id: string;
}

const maxLength = 8_192;
const printable = /^[\x20-\x7e]{1,255}$/;
const string = String.raw`"((?:[\x20\x21\x23-\x5b\x5d-\x7e]|\\["\\])*)"`;
const token = '[A-Za-z0-9*?:+/_.=-]+';
const key = '[a-z*][a-z0-9_.*-]*';
const anyString = string.replace('((?:', '(?:').replace(')*)"', ')*"');
/** Parameters of a member, passed over. */
const passedOver = `(?:; *${key}(?:=(?:${anyString}|${token}))?)*`;
/** One member: key, inner list, string or token or another bare value. */
const member = new RegExp(
  String.raw` *(${key})(?:=(?:\(((?:[^"()]|${anyString})*)\)|${string}|(${token})))?${passedOver}[ \t]*(?:,[ \t]*|$)`,
  'y',
);
/** One string of an inner list, and its parameter `id`. */
const item = new RegExp(` *${string}((?:; *${key}(?:=(?:${anyString}|${token}))?)*)(?: +|$)`, 'y');
const idParameter = new RegExp(`; *id=${string}`);

/** The header's value. Throws `parameter-invalid` for an id or a name that is not 1 to 255 printable ASCII characters. */
export function formatDeferredHeader(header: DeferredHeader): string {
  const id = `id=${stringOf(header.id)}, portion=${header.portion}`;
  if (header.portion === 'all') return id;
  const deferred = header.deferred.map((one) => `${stringOf(one.part)};id=${stringOf(one.id)}`).join(' ');
  const done = header.done.length === 0 ? '' : `, done=(${header.done.map(stringOf).join(' ')})`;
  return `${id}, deferred=(${deferred})${done}`;
}

/** What the header says; undefined where it is absent, malformed, or says another portion. Never throws. */
export function parseDeferredHeader(value: unknown): DeferredHeader | undefined {
  if (typeof value !== 'string' || value.length > maxLength) return undefined;
  const strings = new Map<string, string>();
  const tokens = new Map<string, string>();
  const lists = new Map<string, string>();
  for (member.lastIndex = 0; member.lastIndex < value.length; ) {
    const [, name, list, text, word] = member.exec(value) ?? [];
    if (name === undefined) return undefined;
    for (const kind of [strings, tokens, lists]) kind.delete(name);
    if (list !== undefined) lists.set(name, list);
    else if (text !== undefined) strings.set(name, unescaped(text));
    else if (word !== undefined) tokens.set(name, word);
  }
  const id = strings.get('id');
  if (id === undefined || !printable.test(id)) return undefined;
  const portion = tokens.get('portion');
  if (portion === 'all') return { id, portion };
  if (portion !== 'part') return undefined;
  const deferred = itemsOf(lists.get('deferred') ?? '');
  const done = itemsOf(lists.get('done') ?? '');
  if (deferred === undefined || done === undefined) return undefined;
  const portions = deferred.flatMap(({ part, id: of }) => (of === undefined ? [] : [{ part, id: of }]));
  return { id, portion, deferred: portions, done: done.map(({ part }) => part) };
}

/** The strings of an inner list, each with its parameter `id`; undefined where it is none of strings. */
function itemsOf(
  list: string,
): readonly { readonly part: string; readonly id: string | undefined }[] | undefined {
  const items: { part: string; id: string | undefined }[] = [];
  const inner = list.trim();
  for (item.lastIndex = 0; item.lastIndex < inner.length; ) {
    const [, part, parameters = ''] = item.exec(inner) ?? [];
    if (part === undefined) return undefined;
    const id = idParameter.exec(parameters)?.[1];
    items.push({ part: unescaped(part), id: id === undefined ? undefined : unescaped(id) });
  }
  return items;
}

function stringOf(text: string): string {
  if (!printable.test(text)) {
    throw new ParameterError('ids of deferrals and names of parts are 1 to 255 printable ASCII characters');
  }
  return `"${text.replaceAll(/["\\]/g, '\\$&')}"`;
}

function unescaped(text: string): string {
  return text.replaceAll(/\\(["\\])/g, '$1');
}
