import { AnswerMalformedError } from '../errors/trust.ts';
import { piecesOf } from '../wire/event-stream.ts';
import { isRecord } from '../wire/json-body.ts';
import type { FetchResource } from './fetch.ts';

/** One page of a list. */
export interface Page<Item> {
  readonly items: readonly Item[];
  /** What asks for the page after it; undefined where it is the last. */
  readonly next: string | undefined;
}

/** What lists are asked for by. */
export interface ListQuery<Item> {
  readonly path: string;
  /** The member of the answer that has the items. */
  readonly member: string;
  readonly filters: Readonly<Record<string, unknown>>;
  readonly isItem: (value: unknown) => value is Item;
}

/** One page. @throws AnswerMalformedError for anything else. */
export async function pageOf<Item>(
  fetchResource: FetchResource,
  { path, member, filters, isItem }: ListQuery<Item>,
): Promise<Page<Item>> {
  const { data } = await fetchResource(path, { params: filters });
  return { items: listIn(data, member, isItem), next: memberOf(data, 'next') };
}

/** All items from a page on, fetched page by page as they are consumed. */
export async function* allPages<Item>(
  fetchResource: FetchResource,
  query: ListQuery<Item>,
): AsyncIterableIterator<Item> {
  let cursor = memberOf(query.filters, 'cursor');
  for (;;) {
    const page = await pageOf(fetchResource, { ...query, filters: { ...query.filters, cursor } });
    yield* page.items;
    // A cursor that leads to itself would be asked for without end.
    if (page.next === undefined || page.next === cursor) return;
    cursor = page.next;
  }
}

/** The items of lines of JSON, as they come where the platform lets them be read so. @throws AnswerMalformedError for a line that is none. */
export async function* exportedLines<Item>(
  body: unknown,
  isItem: (value: unknown) => value is Item,
): AsyncIterableIterator<Item> {
  let rest = '';
  for await (const piece of typeof body === 'string' ? [body] : piecesOf(body)) {
    const lines = (rest + piece).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) if (line !== '') yield itemOf(line, isItem);
  }
  if (rest !== '') yield itemOf(rest, isItem);
}

function itemOf<Item>(line: string, isItem: (value: unknown) => value is Item): Item {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    throw new AnswerMalformedError('a line of the export is no JSON; was it cut off?');
  }
  if (isItem(value)) return value;
  throw new AnswerMalformedError('a line of the export is no deferral');
}

/** The items in a member of an answer. @throws AnswerMalformedError. */
export function listIn<Item>(
  data: unknown,
  member: string,
  isItem: (value: unknown) => value is Item,
): readonly Item[] {
  const items = isRecord(data) ? data[member] : undefined;
  if (!Array.isArray(items)) throw new AnswerMalformedError(`the answer has no list of ${member}`);
  if (!items.every(isItem)) throw new AnswerMalformedError(`something among its ${member} is none`);
  return items;
}

/** A member that is a text. */
export function memberOf(value: unknown, name: string): string | undefined {
  const member = isRecord(value) ? value[name] : undefined;
  return typeof member === 'string' ? member : undefined;
}
