import { replies, type ScriptedRequest } from '@slackwater/client-sdk/testing';
import { describe, expect, it } from 'vitest';
import { endOf, type Rig, rig } from './rig.ts';

const { answer, answerLost, retryLater, silence } = replies;
const reports = { partition: 'p-1', workType: 'report' } as const;
const seenOf = ({ server }: Rig, path: string): readonly ScriptedRequest[] =>
  server.seen.filter(({ url }) => url.startsWith(path));

describe('calls that the server treats as one', () => {
  it('wait together: what was refused to one is not asked for by another', async () => {
    const one = rig(({ nth }) => (nth === 0 ? retryLater(10_000, reports) : answer(200)));
    const first = one.client.post('/reports', {});
    await one.clock.advance(1_000);
    const others = [1, 2, 3].map(() => one.client.post('/reports', {}));
    await one.clock.advance(8_000);
    expect(one.server.seen).toHaveLength(1);
    await one.clock.settle(Promise.all([first, ...others]));
    expect(one.clock.elapsedMs).toBe(10_000);
    expect(one.server.seen).toHaveLength(5);
  });

  it('do not hold back those of another work type or partition', async () => {
    const one = rig(({ url }) => {
      if (url === '/reports') return retryLater(10_000, reports);
      return url === '/other' ? retryLater(5_000, { ...reports, partition: 'p-2' }) : answer(200);
    });
    const ends = [one.client.post('/reports', {}), one.client.post('/other', {})];
    for (const end of ends) end.catch(() => {});
    await one.clock.advance(100);
    expect(await endOf(one, one.client.post('/payments', {}))).toMatchObject({ status: 200 });
    expect(one.clock.elapsedMs).toBe(100);
    await one.clock.advance(5_000);
    expect([seenOf(one, '/reports').length, seenOf(one, '/other').length]).toEqual([1, 2]);
  });

  it('come back one first, and all of them once it and those after it were answered', async () => {
    const one = rig(({ nth }) => {
      if (nth < 40) return retryLater(1_000, reports);
      return nth === 40 ? silence() : answer(200);
    });
    const calls = Array.from({ length: 40 }, () => one.client.put('/reports', {}));
    await one.clock.advance(2_900);
    expect(one.server.seen).toHaveLength(41);
    await one.clock.advance(200);
    expect(one.server.seen).toHaveLength(80);
    await one.clock.settle(Promise.all(calls));
  });

  it('wait again when who went ahead is refused, and only that one has asked', async () => {
    const one = rig(({ nth }) => (nth < 5 ? retryLater(1_000, reports) : answer(200)));
    const calls = Array.from({ length: 4 }, () => one.client.post('/reports', {}));
    await one.clock.advance(1_500);
    expect(one.server.seen).toHaveLength(5);
    await one.clock.settle(Promise.all(calls));
    expect(one.clock.elapsedMs).toBe(2_000);
    expect(one.server.seen).toHaveLength(9);
  });

  it('are not held up by one that went ahead and gets no answer', async () => {
    const one = rig(({ nth }) => {
      if (nth < 3) return retryLater(1_000, reports);
      return nth === 3 ? silence() : answer(200);
    });
    const calls = [0, 1, 2].map(() => one.client.put('/reports', {}));
    const ends = calls.map((call) => call.then(() => one.clock.elapsedMs));
    const times = await one.clock.settle(Promise.all(ends));
    expect(times.toSorted((a, b) => a - b).slice(0, 2)).toEqual([3_000, 3_000]);
  });

  it('fail at once, unsent, where the server takes none of them before their deadline', async () => {
    const one = rig([retryLater(20_000, reports)]);
    const first = one.client.post('/reports', {}).catch(() => {});
    await one.clock.advance(1_000);
    const retryAt = new Date(one.clock.wallMs() + 19_000);
    const short = { slackwater: { deadlineMs: 5_000 } };
    const end = await endOf(one, one.client.post('/reports', {}, short));
    expect(end).toMatchObject({ code: 'deadline-exceeded', attempts: 0, retryable: true, retryAt });
    expect(one.clock.elapsedMs).toBe(1_000);
    expect(one.server.seen).toHaveLength(1);
    await Promise.race([first, one.clock.advance(0)]);
  });

  it('leave the line when they are aborted, or when their deadline passes there', async () => {
    const one = rig(({ nth }) => (nth < 2 ? retryLater(1_000, reports) : silence()), {
      attemptTimeoutMs: 1_900,
    });
    const controller = new AbortController();
    const ahead = [0, 1].map(() => one.client.post('/reports', {}).catch((error: unknown) => error));
    const aborted = one.client
      .post('/reports', {}, { signal: controller.signal })
      .catch((error: unknown) => error);
    await one.clock.advance(1);
    const late = { slackwater: { deadlineMs: 1_500 } };
    const tooLate = one.client.post('/reports', {}, late).catch((error: unknown) => error);
    await one.clock.advance(1_200);
    controller.abort();
    expect(await aborted).toMatchObject({ code: 'aborted' });
    expect(await one.clock.settle(tooLate)).toMatchObject({ code: 'deadline-exceeded' });
    await one.clock.settle(Promise.all(ahead));
    expect(one.clock.timers).toBe(0);
  });

  it.each([
    ['for a reason of its caller', { ...reports, reasons: ['requester-share'] }],
    ['without saying for whom', {}],
  ])('are asked each for itself where one was refused %s', async (_why, facts) => {
    const one = rig(({ nth }) => (nth === 0 ? retryLater(10_000, facts) : answer(200)));
    one.client.post('/reports', {}).catch(() => {});
    await one.clock.advance(100);
    expect(await endOf(one, one.client.post('/reports', {}))).toMatchObject({ status: 200 });
    expect(one.clock.elapsedMs).toBe(100);
  });

  it('are others where they allow deferral, for those may be taken', async () => {
    const one = rig(({ headers }) =>
      headers['prefer'] === undefined ? retryLater(10_000, reports) : answer(200),
    );
    one.client.post('/reports', {}, { slackwater: { preferAsync: false } }).catch(() => {});
    await one.clock.advance(100);
    expect(await endOf(one, one.client.post('/reports', {}))).toMatchObject({ status: 200 });
    expect(one.clock.elapsedMs).toBe(100);
  });

  it('are found by the route that their caller names, whatever their path', async () => {
    const one = rig(({ nth }) => (nth === 0 ? retryLater(10_000, reports) : answer(200)));
    const route = { slackwater: { route: 'POST /reports/:id' } };
    one.client.post('/reports/1', {}, route).catch(() => {});
    await one.clock.advance(100);
    await endOf(one, one.client.post('/reports/2', {}, route));
    expect(one.clock.elapsedMs).toBe(10_000);
  });

  it('are of another lane once the server says so: the first one is free again', async () => {
    const moved = { ...reports, partition: 'p-9' };
    const one = rig(({ nth }) => {
      if (nth === 0) return retryLater(1_000, reports);
      return nth === 1 ? retryLater(9_000, moved) : answer(200);
    });
    const first = one.client.post('/reports', {});
    await one.clock.advance(1_500);
    const second = one.client.post('/reports', {});
    await one.clock.advance(1_000);
    expect(one.server.seen).toHaveLength(2);
    await one.clock.settle(Promise.all([first, second]));
    expect(one.clock.elapsedMs).toBe(10_000);
  });

  it('tell when the line would have moved, where their deadline passes in it', async () => {
    const one = rig(({ nth }) => (nth < 2 ? retryLater(1_000, reports) : silence()), {
      attemptTimeoutMs: 90_000,
    });
    const ahead = one.client.put('/reports', {}).catch(() => {});
    await one.clock.advance(10);
    const controller = new AbortController();
    const aborted = one.client
      .put('/reports', {}, { signal: controller.signal })
      .catch((error: unknown) => error);
    await one.clock.advance(10);
    controller.abort();
    expect(await aborted).toMatchObject({ code: 'aborted', attempts: 0 });
    await one.clock.settle(ahead);
  });

  it('are each sent where the breaker is switched off', async () => {
    const one = rig(({ nth }) => (nth === 0 ? retryLater(10_000, reports) : answer(200)), {
      circuitBreaker: false,
    });
    one.client.post('/reports', {}).catch(() => {});
    await one.clock.advance(100);
    await endOf(one, one.client.post('/reports', {}));
    expect(one.clock.elapsedMs).toBe(100);
  });

  it('have a retry budget of their own, so that they do not use up another\u2019s', async () => {
    const one = rig(
      ({ url, nth }) => (url === '/reports' && nth === 0 ? retryLater(100, reports) : answerLost()),
      {
        retryBudget: 2,
        maxRetries: 50,
      },
    );
    const spent = await endOf(one, one.client.put('/reports', {}));
    expect(spent).toMatchObject({ code: 'retries-exhausted', attempts: 4 });
    expect(await endOf(one, one.client.put('/payments', {}))).toMatchObject({ attempts: 3 });
  });
});
