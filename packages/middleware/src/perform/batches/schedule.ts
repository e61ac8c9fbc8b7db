import { Cron } from 'croner';

/** When a batch is due: by a cron line, so long after the end of the run before, or once. */
export type BatchSchedule =
  | { readonly cron: string }
  | { readonly everyMs: number }
  | { readonly at: string | Date };

/** A schedule that can be asked. Times are Unix milliseconds. */
export interface Schedule {
  /** For people: `cron 0 2 * * * in Europe/Berlin`. */
  readonly said: string;
  /**
   * The first time it is due after what is known; undefined where it never is again.
   *
   * @param handledAt what was due up to then is done with
   * @param endedAt when the last run ended; undefined where there was none
   */
  dueAfter(handledAt: number, endedAt: number | undefined): number | undefined;
}

/** Code of errors is the caller's business: `message` says what is wrong with the schedule, and what to give. */
export class ScheduleError extends Error {
  override readonly name = 'ScheduleError';
}

const zoned = /(?:Z|[+-]\d{2}:?\d{2})$/i;
const isoTime = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(?::\d{2}(?:\.\d{1,3})?)?(?:Z|[+-]\d{2}:?\d{2})?$/i;

/**
 * Reads a schedule in a time zone (IANA). Throws a {@link ScheduleError}.
 *
 * Where clocks are put forward, a time of day that is left out is due when the clocks are put forward; where they are put back, one that
 * comes twice is due the first time. Lines that are due each so many minutes or hours are due each time.
 */
export function readSchedule(schedule: BatchSchedule, timeZone: string): Schedule {
  checkTimeZone(timeZone);
  if ('cron' in schedule) return cronSchedule(schedule.cron, timeZone);
  if ('everyMs' in schedule) {
    const { everyMs } = schedule;
    return {
      said: `every ${everyMs} ms`,
      dueAfter: (handledAt, endedAt) => (endedAt ?? handledAt) + everyMs,
    };
  }
  const at = instantOf(schedule.at, timeZone);
  return {
    said: `at ${new Date(at).toISOString()}`,
    dueAfter: (handledAt) => (at > handledAt ? at : undefined),
  };
}

/** Refuses what is no time zone that this machine knows. */
export function checkTimeZone(timeZone: string): void {
  try {
    new Intl.DateTimeFormat('en-US', { timeZone });
  } catch {
    throw new ScheduleError(
      `${JSON.stringify(timeZone)} is no time zone that is known here; give an IANA name such as "Europe/Berlin", or "UTC"`,
    );
  }
}

function cronSchedule(line: string, timezone: string): Schedule {
  const cron = made(line, timezone);
  return {
    said: `cron ${line} in ${timezone}`,
    dueAfter: (handledAt) => cron.nextRun(new Date(handledAt))?.getTime(),
  };
}

function made(line: string, timezone: string): Cron {
  const example = 'give five fields, "0 2 * * *" for two in the morning, or six with seconds in front';
  // The library takes a date for a pattern too: that is what `at` is for.
  if (isoTime.test(line))
    throw new ScheduleError(`${JSON.stringify(line)} is a time and no cron line; give it as at`);
  let cron: Cron;
  try {
    cron = new Cron(line, { paused: true, timezone, mode: '5-or-6-parts' });
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new ScheduleError(`${JSON.stringify(line)} is no cron line (${why}); ${example}`, { cause });
  }
  if (cron.nextRun(new Date(Date.UTC(2000, 0))) === null) {
    throw new ScheduleError(`${JSON.stringify(line)} names a time that never comes; ${example}`);
  }
  return cron;
}

function instantOf(at: string | Date, timezone: string): number {
  const example =
    'give "2026-12-24T18:00:00", in the time zone of timeZone, or with its own as in "...T18:00:00Z"';
  if (at instanceof Date) {
    if (Number.isNaN(at.getTime())) throw new ScheduleError(`this Date is no time; ${example}`);
    return at.getTime();
  }
  const refused = new ScheduleError(`${JSON.stringify(at)} is no time; ${example}`);
  if (!isoTime.test(at) || !isDay(at.slice(0, 10))) throw refused;
  const parsed = zoned.test(at) ? Date.parse(at) : localInstant(at, timezone);
  if (Number.isNaN(parsed)) throw refused;
  return parsed;
}

/** Whether there is that day: the thirtieth of February would be taken for a day in March. */
function isDay(day: string): boolean {
  const parsed = Date.parse(`${day}T00:00:00Z`);
  return !Number.isNaN(parsed) && new Date(parsed).toISOString().startsWith(day);
}

function localInstant(at: string, timezone: string): number {
  const whole = at.length === 16 ? `${at}:00` : at.slice(0, 19);
  try {
    const once = new Cron(whole, { paused: true, timezone });
    return once.nextRun(new Date(Date.UTC(1970, 0)))?.getTime() ?? Number.NaN;
  } catch {
    return Number.NaN;
  }
}
