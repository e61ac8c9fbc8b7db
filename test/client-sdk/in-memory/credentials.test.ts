import { Readable } from 'node:stream';
import type { CredentialsNeed } from '@slackwater/client-sdk';
import { proofForger, replies } from '@slackwater/client-sdk/testing';
import { describe, expect, it } from 'vitest';
import { endOf, type RigOptions, rig } from './rig.ts';

const { answer, deferred, outcome, retryLater, status } = replies;
const forger = await proofForger();
const resource = await forger.accept({ method: 'POST', url: '/orders' });
const done = { ...resource, status: 'Succeeded', phase: 'settled' } as const;

/** Tokens t0, t1 and so on: a new one each time that one is refused, or that one is asked for. */
function tokens(each: 'time' | 'refusal') {
  const needs: CredentialsNeed[] = [];
  let nth = 0;
  const credentials = async (need: CredentialsNeed) => {
    needs.push(need);
    if (need.refused || (each === 'time' && needs.length > 1)) nth += 1;
    return { Authorization: `Bearer t${nth}` };
  };
  const options: RigOptions = { credentials, headers: { Authorization: 'Bearer of-the-beginning' } };
  return { needs, options };
}

const sentTokens = ({ server }: ReturnType<typeof rig>): readonly (string | undefined)[] =>
  server.seen.map(({ headers }) => headers['authorization']);

describe('credentials', () => {
  it.each([false, true])(
    'are asked for before every attempt, status request and outcome (interceptors: %s)',
    async (intercepted) => {
      const { options, needs } = tokens('time');
      const one = rig([retryLater(900), deferred(resource), status(done), outcome(201)], {
        ...options,
        intercepted,
      });
      expect(await endOf(one, one.client.post('/orders'))).toMatchObject({ status: 201 });
      expect(sentTokens(one)).toEqual(['Bearer t0', 'Bearer t1', 'Bearer t2', 'Bearer t3']);
      expect(needs.every(({ url, refused }) => !url.includes('?') && !refused)).toBe(true);
    },
  );

  it('are renewed once where they are refused, by whatever question, and the same request goes again', async () => {
    const { options } = tokens('refusal');
    const script = [answer(401), deferred(resource), answer(401), status(done), answer(401), outcome(201)];
    const one = rig(script, options);
    expect(await endOf(one, one.client.post('/orders', { sku: 'a' }))).toMatchObject({
      status: 201,
      slackwater: { attempts: 1 },
    });
    expect(sentTokens(one)).toEqual([0, 1, 1, 2, 2, 3].map((nth) => `Bearer t${nth}`));
    const [first, again] = one.server.seen;
    expect(again).toMatchObject({ body: first?.body, url: first?.url });
    expect(again?.headers['idempotency-key']).toBe(first?.headers['idempotency-key']);
  });

  it('that are refused again are the end, and so are those of a body that can be sent once', async () => {
    const twice = rig([answer(401)], tokens('refusal').options);
    expect(await endOf(twice, twice.client.post('/orders', {}))).toMatchObject({ status: 401 });
    expect(twice.server.seen).toHaveLength(2);
    const stream = rig([answer(401)], tokens('refusal').options);
    expect(await endOf(stream, stream.client.post('/orders', Readable.from(['x'])))).toMatchObject({
      status: 401,
    });
    expect(stream.server.seen).toHaveLength(1);
  });

  it('that nobody gives hold up nothing beyond its limits', async () => {
    const credentials = (): Promise<never> => new Promise(() => {});
    const one = rig([answer(201)], { credentials, deadlineMs: 5_000 });
    expect(await endOf(one, one.client.post('/orders'))).toMatchObject({ code: 'deadline-exceeded' });
    const abort = new AbortController();
    const ended = one.client.get('/', { signal: abort.signal }).catch((error: unknown) => error);
    await one.clock.advance(10);
    abort.abort();
    expect(await ended).toMatchObject({ code: 'aborted' });
    expect([one.server.seen.length, one.clock.timers]).toEqual([0, 0]);
  });

  it('that can\u2019t be given end an attempt with their error, and no wait for a deferral', async () => {
    const why = new Error('the token service is down');
    let fails = false;
    const credentials = async () => {
      if (fails) throw why;
      return { Authorization: 'Bearer t' };
    };
    const one = rig([deferred(resource), status(done), outcome(201)], { credentials });
    const poller = await one.client.begin({ method: 'post', url: '/orders' });
    fails = true;
    expect(await endOf(one, one.client.get('/'))).toBe(why);
    const ends = poller.pollUntilDone();
    await one.clock.advance(4_000);
    fails = false;
    expect(await one.clock.settle(ends)).toMatchObject({ status: 201 });
  });
});

describe('the pause before the first status request', () => {
  it('counts from the answer that asked for it, not from when its caller begins to wait', async () => {
    const one = rig([deferred(resource, 8_000), status(done), outcome(201)]);
    const poller = await one.client.begin({ method: 'post', url: '/orders' });
    await one.clock.advance(5_000);
    expect(await one.clock.settle(poller.pollUntilDone())).toMatchObject({ status: 201 });
    expect(one.clock.elapsedMs).toBe(8_000);
    const late = rig([deferred(resource, 8_000), status(done), outcome(201)]);
    const other = await late.client.begin({ method: 'post', url: '/orders' });
    await late.clock.advance(20_000);
    await late.clock.settle(other.pollUntilDone());
    expect(late.clock.elapsedMs).toBe(20_000);
  });
});
