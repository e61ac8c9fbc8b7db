/** Dates of HTTP in their three forms (RFC 9110 section 5.6.7). */

const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];
const month = `(?<month>${months.join('|')})`;
const time = '(?<hour>[01]\\d|2[0-3]):(?<minute>[0-5]\\d):(?<second>[0-5]\\d|60)';
const shortDay = '(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)';
const longDay = '(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day';

/** Sun, 06 Nov 1994 08:49:37 GMT */
const imfFixdate = new RegExp(`^${shortDay}, (?<day>\\d{2}) ${month} (?<year>\\d{4}) ${time} GMT$`);
/** Sunday, 06-Nov-94 08:49:37 GMT */
const rfc850 = new RegExp(`^${longDay}, (?<day>\\d{2})-${month}-(?<shortYear>\\d{2}) ${time} GMT$`);
/** Sun Nov  6 08:49:37 1994 */
const asctime = new RegExp(`^${shortDay} ${month} (?<day>\\d{2}| \\d) ${time} (?<year>\\d{4})$`);

/**
 * Unix milliseconds of an HTTP date in any of its three forms, else undefined. A day that the month doesn't have is
 * refused; the name of the weekday is not compared with the date. A two-digit year is the one that lies within 50
 * years of `nowMs`.
 */
export function parseHttpDate(value: unknown, nowMs: number): number | undefined {
  if (typeof value !== 'string') return undefined;
  const parts = (imfFixdate.exec(value) ?? rfc850.exec(value) ?? asctime.exec(value))?.groups;
  if (parts === undefined) return undefined;
  const at = (year: number): number | undefined => instantOf(year, parts);
  const { year, shortYear } = parts;
  return year === undefined ? nearest(Number(shortYear), nowMs, at) : at(Number(year));
}

function instantOf(year: number, parts: Readonly<Record<string, string | undefined>>): number | undefined {
  const { day, month = '', hour, minute, second } = parts;
  const date = new Date(0);
  date.setUTCFullYear(year, months.indexOf(month), Number(day));
  if (date.getUTCDate() !== Number(day)) return undefined;
  return date.setUTCHours(Number(hour), Number(minute), Number(second));
}

/** RFC 9110: a date that seems more than 50 years in the future is the latest past one with these two digits. */
function nearest(
  shortYear: number,
  nowMs: number,
  at: (year: number) => number | undefined,
): number | undefined {
  const now = new Date(nowMs);
  const thisYear = now.getUTCFullYear();
  if (Number.isNaN(thisYear)) return undefined;
  const limitMs = new Date(nowMs).setUTCFullYear(thisYear + 50);
  const century = Math.floor(thisYear / 100) * 100;
  for (const year of [century + 100 + shortYear, century + shortYear, century - 100 + shortYear]) {
    const instant = at(year);
    if (instant !== undefined && instant <= limitMs) return instant;
  }
  return undefined;
}
