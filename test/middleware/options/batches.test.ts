import { isSlackwaterError, type SlackwaterError } from '@slackwater/shared';
import { describe, expect, it } from 'vitest';
import { batchDefaults, checkBatch } from '../../../packages/middleware/src/options/check-batch.ts';
import { resolveOptions } from '../../../packages/middleware/src/options/resolve-options.ts';
import { readSchedule } from '../../../packages/middleware/src/perform/batches/schedule.ts';

const { workTypes } = resolveOptions({ workTypes: { settle: { priority: 1 }, report: { priority: 2 } } });
const whole = { name: 'nightly', workType: 'settle', source: [], perform: async () => {} };
const check = (options: unknown): ReturnType<typeof checkBatch> =>
  checkBatch(options, workTypes, readSchedule);

function refusalOf(options: unknown): SlackwaterError {
  try {
    check(options);
  } catch (error) {
    if (isSlackwaterError(error)) return error;
    throw error;
  }
  throw new Error('this batch was not refused');
}

describe('the options of a batch', () => {
  it('have the documented defaults', () => {
    const { options, schedule } = check(whole);
    expect(options).toMatchObject({ ...whole, ...batchDefaults });
    expect(schedule).toBeUndefined();
    expect(
      check({ ...whole, schedule: { cron: '0 2 * * *' }, timeZone: 'Europe/Berlin' }).schedule?.said,
    ).toBe('cron 0 2 * * * in Europe/Berlin');
  });

  it.each([
    [
      { schedule: { cron: 'every night' } },
      'batch.schedule',
      '"every night" is no cron line',
      'give five fields',
    ],
    [{ schedule: { cron: '61 * * * *' } }, 'batch.schedule', '"61 * * * *" is no cron line', 'minute: 61'],
    [{ schedule: { cron: '0 0 31 2 *' } }, 'batch.schedule', 'a time that never comes', 'give five fields'],
    [{ schedule: { cron: '2026-12-24T18:00:00' } }, 'batch.schedule', 'is a time', 'give it as at'],
    [{ schedule: { cron: 5 } }, 'batch.schedule.cron', '5 is a number', 'give a cron line'],
    [{ schedule: '0 2 * * *' }, 'batch.schedule', '"0 2 * * *" is a string', "{ cron: '0 2 * * *' }"],
    [{ schedule: {} }, 'batch.schedule', 'it says nothing', 'give one of'],
    [
      { schedule: { cron: '0 2 * * *', everyMs: 1_000 } },
      'batch.schedule',
      'cron and everyMs',
      'give one of',
    ],
    [{ schedule: { every: 5 } }, 'batch.schedule.every', 'no such option', 'batch.schedule.everyMs'],
    [{ schedule: { everyMs: 0 } }, 'batch.schedule.everyMs', '0 is a number', 'from 100'],
    [{ schedule: { everyMs: '1h' } }, 'batch.schedule.everyMs', '"1h" is a string', 'milliseconds'],
    [{ schedule: { everyMs: Number.NaN } }, 'batch.schedule.everyMs', 'NaN', 'milliseconds'],
    [{ schedule: { at: 'tomorrow' } }, 'batch.schedule', '"tomorrow" is no time', '2026-12-24T18:00:00'],
    [{ schedule: { at: new Date(Number.NaN) } }, 'batch.schedule', 'this Date is no time', 'give'],
    [{ schedule: { at: 5 } }, 'batch.schedule.at', '5 is a number', 'give a time'],
    [
      { schedule: { cron: '0 2 * * *' }, timeZone: 'Mars/Phobos' },
      'batch.schedule',
      '"Mars/Phobos" is no time zone',
      'Europe/Berlin',
    ],
    [{ timeZone: 'Moon' }, 'batch.schedule', '"Moon" is no time zone', 'IANA'],
    [{ name: 'a b' }, 'batch.name', '"a b"', '1 to 64 letters'],
    [{ workType: 'setle' }, 'batch.workType', '"setle" is no work type', 'did you mean "settle"?'],
    [{ direction: 'in' }, 'batch.direction', '"in"', '"outbound" or "inbound"'],
    [{ source: Object.freeze([]) }, 'batch.source', 'an array that can not change', 'give a function'],
    [{ source: 'items' }, 'batch.source', '"items" is a string', 'give an array'],
    [{ source: { items: [] } }, 'batch.source', 'this is an object', 'give an array'],
    [{ perform: 'settle' }, 'batch.perform', '"settle" is a string', 'give a function'],
    [
      { retryBaseMs: 5_000, retryCapMs: 1_000 },
      'batch.retryCapMs',
      '1000 is less than the 5000',
      'give both',
    ],
    [{ whenPostponedTooLong: 'fail' }, 'batch.whenPostponedTooLong', '"fail"', 'how long is too long'],
    [{ extraWorkBelowMs: 0 }, 'batch.extraWorkBelowMs', '0 is a number', 'from 0.001'],
    [{ itemPerCall: 5 }, 'batch.itemPerCall', 'no such option', 'did you mean batch.itemsPerCall?'],
    [{ maxItems: 1.5 }, 'batch.maxItems', '1.5 is a number', 'whole number of items'],
  ] as const)('refuse %j', (options, name, value, wayOut) => {
    const { message, code } = refusalOf({ ...whole, ...options });
    expect([message.startsWith(`${name}: `), code]).toEqual([true, expect.stringMatching(/^option-/)]);
    expect(message).toContain(value);
    expect(message).toContain(wayOut);
  });

  it.each(['name', 'workType', 'source', 'perform'])('refuse to do without %s', (name) => {
    const { code, message } = refusalOf({ ...whole, [name]: undefined });
    expect([code, message.startsWith(`batch.${name}: missing; say`)]).toEqual(['option-missing', true]);
  });

  it('refuse what is no object', () => {
    for (const one of [undefined, null, 'nightly', []])
      expect(refusalOf(one).message).toContain('give an object');
  });
});
