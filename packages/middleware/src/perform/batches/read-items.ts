import type { Clock } from '../../clock.ts';
import { inTime } from '../../in-time.ts';
import { BatchTroubleError, messageOf } from './batch-error.ts';
import type { BatchItem, SourceAsked } from './batch-types.ts';
import { type ItemReader, type ItemSource, NoSequenceError } from './item-sources.ts';
import { shown } from './shown-value.ts';

const mostCharacters = 200;

/** A source that is read within time, and says of what it can't be read why. */
export interface TimedReader {
  /** The next item, unchecked, at once where it is there; undefined at the end. Rejects with, or throws, `batch-source-failed`. */
  next(): ReturnType<ItemReader['next']>;
  end(): void;
}

/** What reading goes by. */
export interface ReadingRules {
  readonly clock: Clock;
  readonly name: string;
  readonly sourceTimeoutMs: number;
}

/** Opens a source. Rejects with `batch-source-failed`. */
export async function openSource(
  source: ItemSource,
  asked: SourceAsked,
  { clock, name, sourceTimeoutMs }: ReadingRules,
): Promise<TimedReader> {
  const timed = async <Value>(work: Promise<Value>): Promise<Value> => {
    try {
      return await inTime(clock, sourceTimeoutMs, 'It', work);
    } catch (cause) {
      throw sourceError(name, cause);
    }
  };
  const reader: ItemReader = await timed(source.open(asked));
  return {
    next() {
      try {
        const given = reader.next();
        return given instanceof Promise ? timed(given) : given;
      } catch (cause) {
        throw sourceError(name, cause);
      }
    },
    end: () => reader.end(),
  };
}

function sourceError(name: string, cause: unknown): BatchTroubleError {
  if (cause instanceof NoSequenceError) {
    return new BatchTroubleError(
      'batch-source-failed',
      `The source of the batch ${name} gave ${shown(cause.given)}; give an array, or anything else that can be iterated over, of items`,
    );
  }
  return new BatchTroubleError(
    'batch-source-failed',
    `The source of the batch ${name} could not be read to its end (${messageOf(cause)}); what it gave before was performed, and it is asked again`,
    { cause },
  );
}

/** The item, where it is one; else the error that says what is wrong with it. */
export function checkItem(name: string, item: unknown): BatchItem | BatchTroubleError {
  const { id, partition, dueAt } = membersOf(item);
  if (!isName(id)) return refused(name, item, 'id', id, `a text of 1 to ${mostCharacters} characters`);
  if (!isName(partition)) {
    return refused(
      name,
      item,
      'partition',
      partition,
      `what it commits to, a text of 1 to ${mostCharacters} characters`,
    );
  }
  if (dueAt !== undefined && (typeof dueAt !== 'number' || !Number.isFinite(dueAt))) {
    return refused(name, item, 'dueAt', dueAt, 'Unix milliseconds, or leave it out');
  }
  return item as BatchItem;
}

/** What an item is called in reports, whatever it is. */
export function idOf(item: unknown): string {
  const { id } = membersOf(item);
  return typeof id === 'string' ? id.slice(0, mostCharacters) : '';
}

function membersOf(item: unknown): { readonly [Name in keyof BatchItem]?: unknown } {
  try {
    if (typeof item !== 'object' || item === null) return {};
    const { id, partition, dueAt } = item as { readonly [Name in keyof BatchItem]?: unknown };
    return { id, partition, dueAt };
  } catch {
    return {};
  }
}

function isName(value: unknown): value is string {
  return typeof value === 'string' && value !== '' && value.length <= mostCharacters;
}

function refused(
  name: string,
  item: unknown,
  member: string,
  value: unknown,
  give: string,
): BatchTroubleError {
  const which = idOf(item) === '' ? shown(item) : `the item ${shown(idOf(item))}`;
  const what = value === undefined ? `without ${member}` : `whose ${member} is ${shown(value)}`;
  return new BatchTroubleError(
    'batch-item-invalid',
    `The source of the batch ${name} gave ${which} ${what}; give each item ${member}: ${give}. It is left where it is`,
  );
}
