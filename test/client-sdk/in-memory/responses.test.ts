import type { CreateClientOptions, SlackwaterRequestConfig } from '@slackwater/client-sdk';
import { failureFactsOf } from '@slackwater/client-sdk';
import { replies, type ScriptedReply } from '@slackwater/client-sdk/testing';
import { isAxiosError } from 'axios';
import { describe, expect, it } from 'vitest';
import { endOf, rig } from './rig.ts';

const { answer, answerLost, connectionRefused, retryLater, silence } = replies;
const ok = answer(200, { ok: true });
const date = 'Thu, 01 Jan 2026 00:00:00 GMT';

interface Row {
  readonly when: string;
  readonly script: readonly ScriptedReply[];
  readonly method?: string;
  readonly options?: Partial<CreateClientOptions> & { readonly chances?: readonly number[] };
  readonly config?: SlackwaterRequestConfig;
  /** Waits before each repetition, ms. */
  readonly waits: readonly number[];
  /** A status that it resolves with, or what it is rejected with: a status, or a code. */
  readonly ends: number | { readonly status: number } | { readonly code: string };
}

const after = (value: string, more: Record<string, string> = {}): ScriptedReply =>
  answer(503, '', { 'retry-after': value, date, ...more });

const rows: readonly Row[] = [
  // what the server asks for
  { when: 'Retry-After is in seconds', script: [after('7'), ok], waits: [7_000], ends: 200 },
  {
    when: 'it is an IMF-fixdate',
    script: [after('Thu, 01 Jan 2026 00:00:09 GMT'), ok],
    waits: [9_000],
    ends: 200,
  },
  {
    when: 'it is an RFC 850 date',
    script: [after('Thursday, 01-Jan-26 00:00:09 GMT'), ok],
    waits: [9_000],
    ends: 200,
  },
  {
    when: 'it is an asctime date',
    script: [after('Thu Jan  1 00:00:09 2026'), ok],
    waits: [9_000],
    ends: 200,
  },
  {
    when: 'the clocks are hours apart',
    script: [after('Mon, 05 Jan 2026 12:00:05 GMT', { date: 'Mon, 05 Jan 2026 12:00:00 GMT' }), ok],
    waits: [5_000],
    ends: 200,
  },
  {
    when: 'the exact wait is there too',
    script: [after('7', { 'slackwater-retry-after-ms': '6100' }), ok],
    waits: [6_100],
    ends: 200,
  },
  { when: 'it is 0', script: [after('0'), ok], waits: [0], ends: 200 },
  { when: 'it is in the past', script: [after('Thu, 01 Jan 2015 00:00:00 GMT'), ok], waits: [0], ends: 200 },
  { when: 'it is huge', script: [after('99999999999999999999'), ok], waits: [30_000], ends: 200 },
  {
    when: 'it is the last second of the calendar',
    script: [after('Fri, 31 Dec 9999 23:59:59 GMT'), ok],
    waits: [30_000],
    ends: 200,
  },
  { when: 'there are several', script: [after('3, 9'), ok], waits: [3_000], ends: 200 },
  {
    when: 'there are several dates',
    script: [after('Thu, 01 Jan 2026 00:00:04 GMT, Thu, 01 Jan 2026 00:00:09 GMT'), ok],
    waits: [4_000],
    ends: 200,
  },
  // what it can't mean: as if nothing had been said, exponential back-off
  ...['-5', 'soon', '1.5', '', '5 s', '0x10', 'NaN', '1e3'].map((value) => ({
    when: `it is "${value}"`,
    script: [after(value), after(value), ok],
    options: { chances: [0.5] },
    waits: [100, 200],
    ends: 200,
  })),
  {
    when: 'the server asks for none again and again',
    script: [after('0'), after('0'), after('0'), ok],
    options: { chances: [0.5] },
    waits: [100, 200, 400],
    ends: 200,
  },
  {
    when: 'jitter is drawn',
    script: [after('4'), ok],
    options: { chances: [0.75], backoffBaseMs: 4_000 },
    waits: [7_000],
    ends: 200,
  },
  // what is repeated
  {
    when: 'a POST is told to retry later',
    method: 'POST',
    script: [retryLater(800), ok],
    waits: [800],
    ends: 200,
  },
  {
    when: 'a POST is refused a connection',
    method: 'POST',
    script: [connectionRefused(), ok],
    waits: [0],
    ends: 200,
  },
  {
    when: 'the answer to a POST is lost',
    method: 'POST',
    script: [answerLost(), ok],
    waits: [],
    ends: { code: 'ECONNRESET' },
  },
  {
    when: 'no answer to a POST comes in time',
    method: 'POST',
    script: [silence(), ok],
    waits: [],
    ends: { code: 'ETIMEDOUT' },
  },
  {
    when: 'it is lost and the server keeps keys',
    method: 'POST',
    script: [answerLost(), ok],
    options: { serverKeepsKeys: true },
    waits: [0],
    ends: 200,
  },
  { when: 'the answer to a GET is lost', script: [answerLost(), ok], waits: [0], ends: 200 },
  { when: 'no answer to a GET comes in time', script: [silence(), ok], waits: [0], ends: 200 },
  {
    when: 'a POST gets a 502 of something in between',
    method: 'POST',
    script: [answer(502, '<html>'), ok],
    waits: [],
    ends: { status: 502 },
  },
  {
    when: 'a POST gets 429 with Retry-After',
    method: 'POST',
    script: [answer(429, '', { 'retry-after': '2' }), ok],
    waits: [2_000],
    ends: 200,
  },
  {
    when: 'a POST gets 429 and no word when',
    method: 'POST',
    script: [answer(429, ''), ok],
    waits: [],
    ends: { status: 429 },
  },
  { when: 'the answer is final', script: [answer(404), ok], waits: [], ends: { status: 404 } },
  {
    when: 'a redirect comes that the adapter did not follow',
    script: [answer(304), ok],
    waits: [],
    ends: { status: 304 },
  },
  // what ends it
  {
    when: 'the wait would pass the deadline',
    script: [after('20'), ok],
    options: { deadlineMs: 15_000 },
    waits: [],
    ends: { code: 'deadline-exceeded' },
  },
  {
    when: 'no answer ever comes',
    script: [silence()],
    options: { deadlineMs: 45_000 },
    waits: [0],
    ends: { code: 'deadline-exceeded' },
  },
  {
    when: 'retries run out',
    script: [answerLost()],
    options: { maxRetries: 2 },
    waits: [0, 0],
    ends: { code: 'retries-exhausted' },
  },
];

describe('what becomes of a call', () => {
  const ways = rows.flatMap((row) => [
    { ...row, how: 'each attempt by itself', intercepted: false },
    { ...row, how: 'through interceptors, once', intercepted: true },
  ]);
  it.each(ways)('when $when, $how', async ({ script, method = 'GET', options, intercepted, ...row }) => {
    const { config, waits, ends } = row;
    const waited: number[] = [];
    const onRetry = ({ waitedMs }: { waitedMs: number }): void => void waited.push(waitedMs);
    const one = rig(script, { ...options, intercepted, onRetry });
    const end = await endOf(one, one.client.request({ method, url: '/orders', ...config }));
    expect(waited).toEqual(waits);
    expect(one.server.seen).toHaveLength(waits.length + 1);
    expect(end).toMatchObject(typeof ends === 'number' ? { status: ends } : ends);
    expect(one.clock.timers).toBe(0);
    if (typeof ends !== 'number') {
      expect(failureFactsOf(end)).toMatchObject({ attempts: waits.length + 1, waitsMs: waits });
    }
  });

  it('fails early with when to come back, and with what was tried', async () => {
    const one = rig([retryLater(900), retryLater(70_000)], { deadlineMs: 60_000, retryAfterCapMs: 600_000 });
    const end = await endOf(one, one.client.post('/orders', {}));
    expect(one.clock.elapsedMs).toBe(900);
    expect(end).toMatchObject({
      code: 'deadline-exceeded',
      retryable: true,
      retryAt: new Date(one.clock.wallMs() + 70_000),
      attempts: 2,
      waitsMs: [900],
      lastError: { isAxiosError: true, status: 503 },
      problem: { code: 'retry-later', status: 503 },
    });
  });

  it('tells of an AxiosError too what was tried, and whether it may go well later', async () => {
    const one = rig([retryLater(100), answer(503, '', {})], { maxRetries: 0 });
    const end = await endOf(one, one.client.get('/orders'));
    expect(isAxiosError(end)).toBe(true);
    expect(failureFactsOf(end)).toMatchObject({
      retryable: true,
      attempts: 2,
      waitsMs: [100],
      retryAt: undefined,
    });
    const refused = rig([answer(400)]);
    const final = await endOf(refused, refused.client.get('/orders'));
    expect(failureFactsOf(final)).toMatchObject({ retryable: false, attempts: 1 });
    expect(failureFactsOf(new Error('of something else'))).toBeUndefined();
  });

  it.each([
    ['a wait between attempts', [retryLater(20_000)], 1],
    ['an attempt', [silence()], 1],
    ['a back-off', [answerLost()], 1],
  ])('aborts %s without the clock moving on, and sends nothing more', async (_what, script, sent) => {
    const controller = new AbortController();
    const one = rig(script, { chances: [0.99], backoffBaseMs: 5_000 });
    const ended = one.client.get('/', { signal: controller.signal }).catch((error: unknown) => error);
    await one.clock.advance(10);
    controller.abort(new Error('enough'));
    const end = await ended;
    expect(one.clock.elapsedMs).toBe(10);
    expect(end).toMatchObject({ code: 'aborted', cause: { message: 'enough' }, attempts: 1 });
    expect([one.server.seen.length, one.clock.timers]).toEqual([sent, 0]);
  });

  it.each([
    ['a POST under way may be done: it is not said to be repeatable', 'post', {}, false],
    ['a POST whose server keeps keys is', 'post', { serverKeepsKeys: true }, true],
    ['a GET is', 'get', {}, true],
  ])('knows at its deadline that %s', async (_what, method, options, retryable) => {
    const one = rig([silence()], { deadlineMs: 1_000, ...options });
    const end = await endOf(one, one.client.request({ method, url: '/' }));
    expect(end).toMatchObject({ code: 'deadline-exceeded', retryable });
  });

  it('limits each attempt, and not all of them together', async () => {
    const one = rig([silence(), silence(), ok], { attemptTimeoutMs: 4_000 });
    expect(await endOf(one, one.client.get('/'))).toMatchObject({ status: 200 });
    expect(one.clock.elapsedMs).toBe(8_000);
  });
});
