import type { ServerResponse } from 'node:http';
import type { Readable } from 'node:stream';
import { inspect } from 'node:util';
import type { DeferralResource } from '@slackwater/shared';
import { AxiosError } from 'axios';
import { describe, expect, it } from 'vitest';
import { fastClient, rejection } from './support/fast-client.ts';
import { type Handler, json, type Seen, serve } from './support/http-server.ts';
import {
  capability,
  defer,
  entryOf,
  id,
  otherVerifierKey,
  outcome,
  problem,
  resource,
  statusPath,
  verifierKey,
} from './support/wire.ts';

type Respond = (seen: Seen, response: ServerResponse, nth: number) => void;

/** A server that defers every POST and tells of it as the parts say; `nth` counts per part. */
function deferring(parts: {
  status: Respond;
  outcome?: Respond;
  accept?: Respond;
  cancel?: Respond;
}): Handler {
  const counts = { status: 0, outcome: 0, accept: 0, cancel: 0 };
  const partOf = ({ method, url }: Seen): keyof typeof counts => {
    if (method === 'DELETE') return 'cancel';
    if (url.startsWith(`${statusPath}/outcome`)) return 'outcome';
    return url.startsWith(statusPath) ? 'status' : 'accept';
  };
  return (seen, response) => {
    const part = partOf(seen);
    const respond =
      parts[part] ?? (part === 'accept' ? (_: Seen, res: ServerResponse) => defer(res) : undefined);
    if (respond === undefined) return problem(response, 404, 'not-found');
    respond(seen, response, counts[part]++);
  };
}

const settled = (changes: Partial<DeferralResource> = {}): DeferralResource =>
  resource({ status: 'Succeeded', phase: 'settled', attempts: 1, outcomeKnown: true, ...changes });

const pollsOf = (seen: readonly Seen[]): readonly Seen[] =>
  seen.filter(({ method, url }) => method === 'GET' && url.startsWith(`${statusPath}?`));

describe('a deferred request', () => {
  it('resolves with the outcome’s own status, headers and body (D-72)', async () => {
    const server = await serve(
      deferring({
        status: (_seen, response, nth) =>
          json(response, 200, nth < 2 ? resource({ status: 'Running', phase: 'performing' }) : settled(), {
            'retry-after': '2',
          }),
        outcome: (_seen, response) =>
          json(response, 201, { order: 7 }, { 'slackwater-outcome': 'final', 'x-own': 'yes' }),
      }),
    );
    const { client, waits } = fastClient(server.origin, { verifierKeys: [verifierKey] });
    const response = await client.post<{ order: number }>('/orders', { sku: 'a' });
    expect(response.status).toBe(201);
    expect(response.data).toEqual({ order: 7 });
    expect(response.headers['x-own']).toBe('yes');
    expect(response.config.url).toBe('/orders');
    expect(response.slackwater).toMatchObject({
      outcomeKnown: true,
      receiptVerified: true,
      deferral: { id, status: 'Succeeded' },
    });
    expect(response.slackwater.receipt).toContain('c2sp.org/tlog-proof@v1');
    // The first counts from the 202, and time runs fast here.
    expect(waits().slice(-2)).toEqual([2_000, 2_000]);
    expect(waits()[0]).toBeLessThanOrEqual(2_000);
  });

  it('asks for a deferral on unsafe methods, and only there', async () => {
    const server = await serve((_seen, response) => json(response, 200, {}));
    const { client } = fastClient(server.origin);
    await client.get('/');
    await client.post('/', {});
    await client.put('/', {}, { headers: { Prefer: 'return=minimal' } });
    await client.patch('/', {}, { slackwater: { preferAsync: false } });
    await client.delete('/', { headers: { 'idempotency-key': '"mine"' } });
    expect(server.seen.map(({ headers }) => headers['prefer'])).toEqual([
      undefined,
      'respond-async',
      'return=minimal, respond-async',
      undefined,
      'respond-async',
    ]);
    const keys = server.seen.map(({ headers }) => headers['idempotency-key']);
    expect(keys[0]).toBeUndefined();
    expect(keys[1]).toMatch(/^"[0-9a-f]{32}"$/);
    expect(keys[4]).toBe('"mine"');
    expect(new Set(keys).size).toBe(5);
  });

  it('is polled with the caller’s credentials and long polls, without what was for its own body', async () => {
    const server = await serve(
      deferring({
        status: (_seen, response) => json(response, 200, settled()),
        outcome: (_seen, response) => outcome(response, 200, {}),
      }),
    );
    const { client } = fastClient(server.origin, {
      headers: { Authorization: 'Bearer t' },
      pollWaitMs: 7_500,
    });
    await client.post('/orders', { sku: 'a' }, { params: { v: 1 } });
    const [poll] = pollsOf(server.seen);
    expect(poll?.url).toBe(`${statusPath}?capability=${capability}`);
    expect(poll?.headers).toMatchObject({ authorization: 'Bearer t', prefer: 'wait=7' });
    expect(poll?.headers['idempotency-key']).toBeUndefined();
    expect(poll?.headers['content-type']).toBeUndefined();
  });

  it.each([202, 404, 503])('takes a final %d for what it is: the route’s own answer', async (status) => {
    const server = await serve(
      deferring({
        status: (_seen, response) =>
          json(response, 200, settled({ status: status < 400 ? 'Succeeded' : 'Failed' })),
        outcome: (_seen, response) => outcome(response, status, { own: true }),
      }),
    );
    const { client } = fastClient(server.origin);
    const call = client.post('/orders', {});
    if (status === 202) expect((await call).data).toEqual({ own: true });
    else
      expect(await rejection(call)).toMatchObject({
        isAxiosError: true,
        status,
        response: { data: { own: true } },
      });
  });

  it('resolves and rejects by the caller’s own validateStatus', async () => {
    const server = await serve(
      deferring({
        status: (_seen, response) => json(response, 200, settled({ status: 'Failed' })),
        outcome: (_seen, response) => outcome(response, 422, { why: 'x' }),
      }),
    );
    const { client } = fastClient(server.origin);
    expect((await client.post('/orders', {}, { validateStatus: null })).status).toBe(422);
    const error = await rejection(client.post('/orders', {}));
    expect(error).toBeInstanceOf(AxiosError);
    expect(error).toMatchObject({
      code: 'ERR_BAD_REQUEST',
      response: { slackwater: { deferral: { status: 'Failed' } } },
    });
  });

  it('leaves a 202 of the route’s own alone', async () => {
    const server = await serve((_seen, response) =>
      json(response, 202, { job: 1 }, { 'operation-location': '/jobs/1', location: '/jobs/1' }),
    );
    const { client } = fastClient(server.origin);
    expect((await client.post('/jobs', {})).data).toEqual({ job: 1 });
    expect(server.seen).toHaveLength(1);
  });

  it('is not waited for where it is a part of what the route did: the result says which wait and which are done', async () => {
    const header = `id="${id}", portion=part, deferred=("email";id="${id}"), done=("booking")`;
    const server = await serve((_seen, response) =>
      json(response, 201, { booking: 7 }, { 'slackwater-deferred': header }),
    );
    const { client } = fastClient(server.origin);
    const { data, slackwater } = await client.post('/bookings', {});
    expect(data).toEqual({ booking: 7 });
    expect(slackwater).toMatchObject({
      parts: { deferred: [{ part: 'email', id }], done: ['booking'] },
      deferral: undefined,
      resume: undefined,
    });
    expect(server.seen).toHaveLength(1);
    const streamed = await client.post<Readable>('/bookings', {}, { responseType: 'stream' });
    expect(streamed.slackwater.parts).toEqual(slackwater.parts);
    expect(streamed.data.readableDidRead).toBe(false);
    streamed.data.resume();
  });

  it('is not waited for where the server said "succeeded" ahead of the work', async () => {
    const server = await serve(
      deferring({
        accept: (_seen, response) =>
          json(
            response,
            201,
            { ok: true },
            {
              'slackwater-deferred': `id="${id}", portion=all`,
              'operation-location': `${statusPath}?capability=${capability}`,
            },
          ),
        status: (_seen, response) => json(response, 200, settled()),
        outcome: (_seen, response) => outcome(response, 200, { done: true }),
      }),
    );
    const { client } = fastClient(server.origin);
    const { data, slackwater } = await client.post('/orders', {});
    expect(data).toEqual({ ok: true });
    expect(slackwater.resume).toBeDefined();
    expect((await client.deferral(slackwater.resume ?? '').pollUntilDone()).data).toEqual({ done: true });
  });

  it('gives a stream where a stream was asked for', async () => {
    const server = await serve(
      deferring({
        status: (_seen, response) => json(response, 200, settled()),
        outcome: (_seen, response) => outcome(response, 200, { big: true }),
      }),
    );
    const { client } = fastClient(server.origin, { verifierKeys: [verifierKey] });
    const { data, slackwater } = await client.post<AsyncIterable<Buffer>>(
      '/orders',
      {},
      { responseType: 'stream' },
    );
    let text = '';
    for await (const chunk of data) text += chunk.toString();
    expect(text).toBe('{"big":true}');
    expect(slackwater.receiptVerified).toBe(true);
  });
});

describe('how a deferral ends otherwise', () => {
  const ending = (end: DeferralResource, outcomeOf?: Respond): Handler =>
    deferring({
      status: (_seen, response) => json(response, 200, end),
      ...(outcomeOf === undefined ? {} : { outcome: outcomeOf }),
    });

  it('done with its answer lost: resolves with 204 and says so', async () => {
    const server = await serve(ending(settled({ outcomeKnown: false })));
    const { client } = fastClient(server.origin);
    const response = await client.post('/orders', {});
    expect(response).toMatchObject({
      status: 204,
      data: '',
      slackwater: { outcomeKnown: false, deferral: { id } },
    });
  });

  it('canceled: deferral-canceled', async () => {
    const server = await serve(ending(resource({ status: 'Canceled', phase: 'settled' })));
    const { client } = fastClient(server.origin);
    expect(await rejection(client.post('/orders', {}))).toMatchObject({ code: 'deferral-canceled', id });
  });

  it('failed without an outcome: deferral-failed, with the reason', async () => {
    const reason = { code: 'route-missing', message: 'no route' } as const;
    const server = await serve(ending(resource({ status: 'Failed', phase: 'settled', error: reason })));
    const { client } = fastClient(server.origin);
    expect(await rejection(client.post('/orders', {}))).toMatchObject({ code: 'deferral-failed', reason });
  });

  it('unknown to the server: not-found', async () => {
    const server = await serve(
      deferring({ status: (_seen, response) => problem(response, 404, 'not-found') }),
    );
    const { client } = fastClient(server.origin);
    expect(await rejection(client.post('/orders', {}))).toMatchObject({ code: 'not-found', status: 404 });
  });

  it('refused by something before the gate: status-refused', async () => {
    const server = await serve(deferring({ status: (_seen, response) => json(response, 403, {}) }));
    const { client } = fastClient(server.origin);
    expect(await rejection(client.post('/orders', {}))).toMatchObject({
      code: 'status-refused',
      status: 403,
    });
  });
});

describe('polling (D-72)', () => {
  it('never spins, whatever the server says', async () => {
    const server = await serve(
      deferring({
        accept: (_seen, response) => defer(response, resource(), { 'retry-after': '0' }),
        status: (_seen, response, nth) => {
          if (nth === 0) json(response, 200, resource({ status: 'Running' }), { 'retry-after': '0' });
          else if (nth === 1) json(response, 200, { ...resource(), status: 'Dreaming' });
          else if (nth === 2) response.writeHead(200, { 'content-type': 'text/html' }).end('<p>hello');
          else if (nth < 5) json(response, 200, resource({ status: 'Running' }));
          else json(response, 200, settled());
        },
        outcome: (_seen, response, nth) =>
          nth === 0
            ? json(response, 202, {}, { 'slackwater-outcome': 'pending', 'retry-after': '3' })
            : outcome(response, 200, {}),
      }),
    );
    const { client, waits } = fastClient(server.origin, { random: () => 0 });
    await client.post('/orders', {});
    const afterFirst = waits().slice(-6);
    expect(afterFirst).toHaveLength(6);
    expect(Math.min(...afterFirst)).toBe(100);
    expect(waits().at(-1)).toBe(3_000);
  });

  it('backs off where the server says nothing', async () => {
    const server = await serve(
      deferring({
        accept: (_seen, response) => defer(response, resource(), { 'retry-after': 'soon' }),
        status: (_seen, response, nth) => json(response, 200, nth < 4 ? resource() : settled()),
        outcome: (_seen, response) => outcome(response, 200, {}),
      }),
    );
    const { client, waits } = fastClient(server.origin, { random: () => 0.5 });
    await client.post('/orders', {});
    expect(waits().slice(-4)).toEqual([400, 800, 1_600, 3_200]);
  });

  it('goes on through lost answers, 5xx and 429 of what is in between', async () => {
    const server = await serve((seen, response, request) =>
      deferring({
        status: (_seen, res) => {
          const nth = pollsOf(server.seen).length;
          if (nth === 1) request.socket.destroy();
          else if (nth === 2) json(res, 502, {});
          else if (nth === 3) json(res, 429, {}, { 'retry-after': '2' });
          else json(res, 200, settled());
        },
        outcome: (_seen, res) => {
          const nth = server.seen.filter(({ url }) => url.includes('/outcome')).length;
          if (nth === 1) request.socket.destroy();
          else outcome(res, 200, { done: true });
        },
      })(seen, response, request),
    );
    const { client } = fastClient(server.origin);
    expect((await client.post('/orders', {})).data).toEqual({ done: true });
  });

  it('survives a restart of the server in the middle', async () => {
    const before = await serve(
      deferring({ status: (_seen, response) => json(response, 200, resource(), { 'retry-after': '1' }) }),
    );
    const { client } = fastClient(before.origin);
    const answer = client.post('/orders', {});
    while (pollsOf(before.seen).length < 2) await new Promise((resolve) => setTimeout(resolve, 1));
    await before.stop();
    await new Promise((resolve) => setTimeout(resolve, 50));
    const after = await serve(
      deferring({
        status: (_seen, response) => json(response, 200, settled()),
        outcome: (_seen, response) => outcome(response, 200, { survived: true }),
      }),
      before.port,
    );
    expect((await answer).data).toEqual({ survived: true });
    expect(after.seen.filter(({ method }) => method === 'POST')).toHaveLength(0);
  });

  it('stops at the deadline, and says how to go on', async () => {
    let open = true;
    const server = await serve(
      deferring({
        status: (_seen, response) =>
          json(response, 200, open ? resource() : settled(), { 'retry-after': '400' }),
        outcome: (_seen, response) => outcome(response, 200, { late: true }),
      }),
    );
    const { client } = fastClient(server.origin, { retryAfterCapMs: 1_000_000 });
    const error = await rejection(client.post('/orders', {}, { slackwater: { deadlineMs: 300_000 } }));
    expect(error).toMatchObject({ code: 'deadline-exceeded' });
    const { resume, retryAt } = error as Error & { resume: string; retryAt: Date };
    expect(retryAt).toBeInstanceOf(Date);
    expect(JSON.stringify(error) + inspect(error) + String(error)).not.toContain(capability);
    open = false;
    expect((await client.deferral(resume).pollUntilDone()).data).toEqual({ late: true });
  });

  it('ends at once when the caller aborts', async () => {
    const server = await serve(deferring({ status: () => {} }));
    const { client } = fastClient(server.origin);
    const controller = new AbortController();
    const answer = rejection(client.post('/orders', {}, { signal: controller.signal }));
    while (pollsOf(server.seen).length < 1) await new Promise((resolve) => setTimeout(resolve, 1));
    const abortedAt = performance.now();
    controller.abort(new Error('enough'));
    expect(await answer).toMatchObject({ code: 'aborted', cause: { message: 'enough' } });
    // The poll itself would be waited for up to 5 s.
    expect(performance.now() - abortedAt).toBeLessThan(4_000);
  });
});

describe('trust', () => {
  const withHeaders =
    (headers: Record<string, string>): Handler =>
    (_seen, response) =>
      defer(response, resource(), headers);

  it.each([
    `http://evil.example${statusPath}?capability=${capability}`,
    `//evil.example${statusPath}?capability=${capability}`,
    `file://${statusPath}?capability=${capability}`,
  ])('sends no credentials to %s', async (location) => {
    const server = await serve(withHeaders({ 'operation-location': location }));
    const { client } = fastClient(server.origin, { headers: { Authorization: 'Bearer t' } });
    const error = await rejection(client.post('/orders', {}));
    expect(error).toMatchObject({ code: 'status-url-foreign' });
    expect(inspect(error)).not.toContain(capability);
    expect(server.seen).toHaveLength(1);
  });

  it('sends none to a foreign outcome either', async () => {
    const foreign = await serve((_seen, response) => outcome(response, 200, {}));
    const server = await serve(
      deferring({
        accept: (_seen, response) => defer(response),
        status: (_seen, response) =>
          json(response, 200, settled({ resourceLocation: `${foreign.origin}${statusPath}/outcome` })),
      }),
    );
    const { client } = fastClient(server.origin);
    expect(await rejection(client.post('/orders', {}))).toMatchObject({ code: 'status-url-foreign' });
    expect(foreign.seen).toHaveLength(0);
  });

  it('follows to an origin that is allowed by name', async () => {
    const status = await serve(
      deferring({
        status: (_seen, response) => json(response, 200, settled()),
        outcome: (_seen, response) => outcome(response, 200, { there: true }),
      }),
    );
    const server = await serve((_seen, response) =>
      defer(
        response,
        resource({ resourceLocation: `${status.origin}${statusPath}/outcome?capability=${capability}` }),
        {
          'operation-location': `${status.origin}${statusPath}?capability=${capability}`,
        },
      ),
    );
    const { client } = fastClient(server.origin, { allowedOrigins: [status.origin] });
    expect((await client.post('/orders', {})).data).toEqual({ there: true });
  });

  it('does not follow redirects of status resources', async () => {
    const elsewhere = await serve((_seen, response) => json(response, 200, settled()));
    const server = await serve(
      deferring({
        status: (_seen, response) => response.writeHead(307, { location: `${elsewhere.origin}/x` }).end(),
      }),
    );
    const { client } = fastClient(server.origin);
    expect(await rejection(client.post('/orders', {}))).toMatchObject({
      code: 'status-refused',
      status: 307,
    });
    expect(elsewhere.seen).toHaveLength(0);
  });

  it.each<[string, DeferralResource, string[]]>([
    ['signed by nobody known', resource(), [otherVerifierKey]],
    [
      'of another entry',
      { ...resource(), entry: resource({}, entryOf({ requester: 'r-2' })).entry },
      [verifierKey],
    ],
    ['of another deferral', resource({}, entryOf({ id: '01JQ0000000000000000000002' })), [verifierKey]],
    ['of another method', resource({}, entryOf({ method: 'DELETE' })), [verifierKey]],
    ['of another kind of entry', resource({}, entryOf({ type: 'performed' })), [verifierKey]],
    ['of another partition', resource({ partition: 'other' }), [verifierKey]],
    ['of no structure, without keys', resource({ receipt: 'c2sp.org/tlog-proof@v1\n' }), []],
    ['of another deferral, without keys', resource({}, entryOf({ id: '01JQ0000000000000000000002' })), []],
  ])('refuses a receipt %s before it polls', async (_what, body, verifierKeys) => {
    const server = await serve((_seen, response) => defer(response, body));
    const { client } = fastClient(server.origin, { verifierKeys });
    expect(await rejection(client.post('/orders', {}))).toMatchObject({ code: 'receipt-unverified' });
    expect(server.seen).toHaveLength(1);
  });

  it('refuses a 202 that points to a deferral and describes none', async () => {
    const server = await serve((_seen, response) => defer(response, { id }));
    const { client } = fastClient(server.origin);
    expect(await rejection(client.post('/orders', {}))).toMatchObject({ code: 'response-malformed' });
  });

  it('shows the capability in no error', async () => {
    const server = await serve(
      deferring({
        status: (_seen, response) => json(response, 200, settled({ status: 'Failed' })),
        outcome: (_seen, response) => outcome(response, 500, {}),
      }),
    );
    const { client } = fastClient(server.origin);
    const error = await rejection(client.post('/orders', {}));
    expect(String(error) + JSON.stringify(error)).not.toContain(capability);
    expect(inspect(error, { depth: 12 })).not.toContain(capability);
  });
});
