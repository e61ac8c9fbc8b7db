import type { BatchOptions, ResolvedBatch } from '../perform/batches/batch-options.ts';
import type { BatchSource } from '../perform/batches/batch-types.ts';
import type { BatchSchedule, Schedule } from '../perform/batches/schedule.ts';
import { workTypeName } from './check-routes.ts';
import { OptionContradictionError, OptionInvalidError, OptionMissingError } from './option-error.ts';
import { type Read, type Readers, readGroup } from './read-group.ts';
import { functionOf, isFunction, milliseconds, number, oneOf, plainName, text } from './read-values.ts';
import type { WorkTypePolicy } from './resolved.ts';

/** What a batch's options are where they are left out. */
export const batchDefaults = {
  timeZone: 'UTC',
  direction: 'outbound',
  judgedBy: 'known',
  itemsPerCall: 100,
  maxConcurrency: 1,
  maxInFlight: 8,
  maxItems: 100_000,
  readAhead: 1_000,
  attemptTimeoutMs: 30_000,
  sourceTimeoutMs: 30_000,
  retryBaseMs: 1_000,
  retryCapMs: 60_000,
  whenPostponedTooLong: 'alert',
  leaseMs: 30_000,
  closeWithinMs: 10_000,
} as const satisfies Partial<BatchOptions>;

/** Batches read schedules by a library that has no place here. Throws an `Error` whose message is advice. */
export type ReadSchedule = (schedule: BatchSchedule, timeZone: string) => Schedule;

/** A batch that was checked. */
export interface CheckedBatch {
  readonly options: ResolvedBatch;
  readonly schedule: Schedule | undefined;
}

/**
 * Checks what `gate.batch` was given and fills in the defaults.
 *
 * @throws OptionInvalidError `option-invalid`, OptionUnknownError `option-unknown`, OptionMissingError `option-missing`
 */
export function checkBatch(
  value: unknown,
  workTypes: readonly WorkTypePolicy[],
  readSchedule: ReadSchedule,
): CheckedBatch {
  const readers: Readers<BatchOptions> = {
    name: plainName,
    workType: workTypeName(workTypes),
    schedule: readScheduleShape,
    timeZone: text(100, 'an IANA name such as "Europe/Berlin"'),
    direction: oneOf(['outbound', 'inbound']),
    source: readSource,
    perform: functionOf('async (items, { signal }) => { await send(items); }'),
    judgedBy: oneOf(['known', 'touched']),
    extraWorkBelowMs: number({ from: 0.001, to: 3_600_000, of: 'milliseconds', fractions: true }),
    itemsPerCall: number({ from: 1, to: 100_000, of: 'items' }),
    maxConcurrency: number({ from: 1, to: 1_000, of: 'calls' }),
    maxInFlight: number({ from: 1, to: 1_000, of: 'calls' }),
    maxItems: number({ from: 1, to: 10_000_000, of: 'items' }),
    readAhead: number({ from: 1, to: 100_000, of: 'items' }),
    attemptTimeoutMs: milliseconds(10, 86_400_000),
    sourceTimeoutMs: milliseconds(10, 86_400_000),
    retryBaseMs: milliseconds(10, 86_400_000),
    retryCapMs: milliseconds(10, 86_400_000),
    maxPostponeMs: milliseconds(1, 366 * 86_400_000),
    whenPostponedTooLong: oneOf(['alert', 'perform', 'fail']),
    leaseMs: milliseconds(1_000, 3_600_000),
    closeWithinMs: milliseconds(0, 600_000),
  };
  const advice = "give an object, { name: 'settlements', workType: 'settle', source, perform }";
  const given = readGroup<BatchOptions>(value, 'batch', readers, { advice });
  const { name, workType, source, perform } = given;
  if (name === undefined)
    throw new OptionMissingError('batch.name', "say what it is known by, 'settlements'");
  if (workType === undefined)
    throw new OptionMissingError('batch.workType', 'say which work type its items are of');
  if (source === undefined) throw new OptionMissingError('batch.source', 'say where its items come from');
  if (perform === undefined) throw new OptionMissingError('batch.perform', 'say what is done with its items');
  const options: ResolvedBatch = {
    ...batchDefaults,
    schedule: undefined,
    extraWorkBelowMs: undefined,
    maxPostponeMs: undefined,
    ...given,
    name,
    workType,
    source,
    perform,
  };
  checkTogether(options, given.whenPostponedTooLong !== undefined);
  return { options, schedule: scheduleOf(options, given.timeZone !== undefined, readSchedule) };
}

function checkTogether(
  { retryBaseMs, retryCapMs, maxPostponeMs, whenPostponedTooLong }: ResolvedBatch,
  saysWhat: boolean,
): void {
  if (retryCapMs < retryBaseMs) {
    throw new OptionContradictionError(
      'batch.retryCapMs',
      `${retryCapMs} is less than the ${retryBaseMs} of batch.retryBaseMs; give both, retryCapMs at least retryBaseMs`,
    );
  }
  if (saysWhat && maxPostponeMs === undefined) {
    throw new OptionContradictionError(
      'batch.whenPostponedTooLong',
      `"${whenPostponedTooLong}" counts after maxPostponeMs, which is left out; say how long is too long`,
    );
  }
}

function scheduleOf(
  { schedule, timeZone }: ResolvedBatch,
  isZoneGiven: boolean,
  readSchedule: ReadSchedule,
): Schedule | undefined {
  try {
    if (schedule !== undefined) return readSchedule(schedule, timeZone);
    // Nothing is in it, and a name that is none would be found out when there is.
    if (isZoneGiven) readSchedule({ everyMs: 1 }, timeZone);
    return undefined;
  } catch (error) {
    throw new OptionContradictionError(
      'batch.schedule',
      error instanceof Error ? error.message : String(error),
    );
  }
}

const scheduleAdvice =
  "give one of { cron: '0 2 * * *' }, { everyMs: 3_600_000 } and { at: '2026-12-24T18:00:00' }";

const readScheduleShape: Read<BatchSchedule> = (value, option) => {
  interface Shape {
    readonly cron?: string;
    readonly everyMs?: number;
    readonly at?: string | Date;
  }
  const readers: Readers<Shape> = {
    cron: text(200, 'a cron line'),
    // A second is more often than a host can find out that another one died.
    everyMs: milliseconds(100, 366 * 86_400_000),
    at: (at, name) => {
      if (typeof at === 'string' || at instanceof Date) return at;
      throw new OptionInvalidError(name, at, "give a time, '2026-12-24T18:00:00'");
    },
  };
  const given = readGroup<Shape>(value, option, readers, { advice: scheduleAdvice });
  const { cron, everyMs, at } = given;
  const said = [cron, everyMs, at].filter((one) => one !== undefined);
  if (said.length !== 1) {
    throw new OptionContradictionError(
      option,
      `it says ${Object.keys(given).join(' and ') || 'nothing'}; ${scheduleAdvice}`,
    );
  }
  if (cron !== undefined) return { cron };
  return everyMs !== undefined ? { everyMs } : { at: at ?? '' };
};

const readSource: Read<BatchSource<never>> = (value, option) => {
  const advice =
    'give an array, an iterable, or a function that gives one, such as () => pendingSettlements()';
  try {
    if (Array.isArray(value)) {
      if (Object.isFrozen(value) || Object.isSealed(value)) {
        throw new OptionContradictionError(
          option,
          'it is an array that can not change, and what was performed is taken out of it; give a function, () => items, that gives what is not done',
        );
      }
      return value as BatchSource<never>;
    }
    if (isFunction<Extract<BatchSource<never>, (...asked: never[]) => unknown>>(value)) return value;
    if (
      typeof value === 'object' &&
      value !== null &&
      (Symbol.asyncIterator in value || Symbol.iterator in value)
    ) {
      return value as BatchSource<never>;
    }
  } catch (cause) {
    if (cause instanceof OptionContradictionError) throw cause;
    throw new OptionInvalidError(option, value, 'reading it threw', { cause });
  }
  throw new OptionInvalidError(option, value, advice);
};
