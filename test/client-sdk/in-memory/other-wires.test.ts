import type { SlackwaterResponse } from '@slackwater/client-sdk';
import { type ProofForger, proofForger, replies, type ScriptedReply } from '@slackwater/client-sdk/testing';
import type { DeferralResource } from '@slackwater/shared';
import { beforeEach, describe, expect, it } from 'vitest';
import { endOf, type Rig, rig } from './rig.ts';

const { answer, deferred, outcome, retryLater, silence, status } = replies;
const done = { status: 'Succeeded', phase: 'settled' } as const;
const order = { sku: 'ä' };
const sent = { url: '/orders', contentType: 'application/json', body: JSON.stringify(order) };

let forger: ProofForger;
let resource: DeferralResource;

beforeEach(async () => {
  forger = await proofForger();
  resource = await forger.accept(sent);
});

/** Ends a POST that is answered so first, and then by the rest of the script. */
async function posted(
  script: readonly ScriptedReply[],
  options: Parameters<typeof rig>[1] = {},
): Promise<Rig & { end: unknown }> {
  const one = rig(script, { verifierKeys: [forger.verifierKey], ...options });
  return { ...one, end: await endOf(one, one.client.post('/orders', order)) };
}

const without = (reply: ScriptedReply, ...names: readonly string[]): ScriptedReply => {
  if (reply.kind !== 'answer') return reply;
  const rest = Object.entries(reply.headers ?? {}).filter(([name]) => !names.includes(name));
  return { ...reply, headers: Object.fromEntries(rest) };
};

describe('a 202', () => {
  const rest = (): ScriptedReply[] => [status({ ...resource, ...done }), outcome(201, { order: 7 })];

  it.each([[['Location']], [['Operation-Location']], [['Location', 'Operation-Location', 'Retry-After']]])(
    'without %s is still followed: its body says the same',
    async (missing) => {
      const { end, server } = await posted([without(deferred(resource), ...missing), ...rest()]);
      expect(end).toMatchObject({ status: 201, data: { order: 7 } });
      expect(server.seen.map(({ url }) => url)).toEqual([
        '/orders',
        `/slackwater/deferrals/${resource.id}?capability=${'c'.repeat(43)}`,
        `/slackwater/deferrals/${resource.id}/outcome?capability=${'c'.repeat(43)}`,
      ]);
    },
  );

  it('without either pointer or resource is the route\u2019s own', async () => {
    const { end } = await posted([answer(202, { job: 1 })]);
    expect(end).toMatchObject({ status: 202, data: { job: 1 } });
  });

  it('that points to a deferral and says something else is malformed, and not sent again', async () => {
    const reply = { ...deferred(resource), body: '<html>' };
    const { end, server } = await posted([reply]);
    expect(end).toMatchObject({ code: 'response-malformed', message: expect.stringContaining(resource.id) });
    expect(server.seen).toHaveLength(1);
  });

  it('that points elsewhere in its body than in its headers goes to no origin but its own', async () => {
    const { end } = await posted([
      deferred({ ...resource, resourceLocation: 'https://evil.example/outcome' }),
    ]);
    expect(end).toMatchObject({ code: 'status-url-foreign', origin: 'https://evil.example' });
  });
});

describe('a status resource', () => {
  const ends = { deadlineMs: 300_000, pollWaitMs: 0 };

  it.each<[string, () => ScriptedReply, string]>([
    ['is HTML', () => answer(200, '<html>'), 'no deferral resource'],
    ['never answers', () => silence(), 'deadline'],
    [
      'is that of a status of later versions',
      () => answer(200, { ...resource, status: 'Dreaming' }),
      'no deferral resource',
    ],
  ])(
    'that %s is asked ever more seldom, until the deadline, and can be taken up again',
    async (_what, reply, why) => {
      const { end, server } = await posted([deferred(resource), reply()], { ...ends, chances: [0.5] });
      expect(end).toMatchObject({
        code: 'deadline-exceeded',
        retryable: true,
        resume: expect.stringContaining(resource.id),
        message: expect.stringContaining(why),
      });
      expect(server.seen.length).toBeLessThan(75);
    },
  );

  it.each([301, 307, 308])('that moves (%d) is not followed', async (code) => {
    const moved = answer(code, '', { location: 'https://evil.example/' });
    const { end, server } = await posted([deferred(resource), moved], ends);
    expect(end).toMatchObject({ code: 'status-refused', status: code });
    expect(server.seen).toHaveLength(2);
  });

  it('of another deferral is malformed', async () => {
    const { end } = await posted([deferred(resource), status(await forger.accept(sent))], ends);
    expect(end).toMatchObject({ code: 'response-malformed' });
  });

  it('that has more members than this version knows is understood', async () => {
    const later = { ...resource, ...done, mood: 'fine', v: 7 };
    const { end } = await posted([deferred(resource), status(later), outcome(200)], ends);
    expect(end).toMatchObject({ status: 200 });
  });
});

describe('a server of an older or newer wire', () => {
  it('that has no milliseconds and no reasons is understood by Retry-After and its code', async () => {
    const older = without(retryLater(3_000), 'Slackwater-Retry-After-Ms');
    const { end, clock } = await posted([older, answer(201)]);
    expect(end).toMatchObject({ status: 201 });
    expect(clock.elapsedMs).toBe(3_000);
  });

  it('that says that it keeps keys is believed for the same place, and for no other', async () => {
    const { answerLost } = replies;
    const keeps = (value: string): ScriptedReply => answer(201, {}, { 'slackwater-keys': value });
    const one = rig([keeps('kept'), answerLost(), answer(201), answerLost()]);
    expect(await endOf(one, one.client.post('/orders', { n: 1 }))).toMatchObject({ status: 201 });
    expect(await endOf(one, one.client.post('/orders', { n: 2 }))).toMatchObject({
      status: 201,
      slackwater: { attempts: 2 },
    });
    expect(await endOf(one, one.client.post('/elsewhere', {}))).toMatchObject({ code: 'ECONNRESET' });
    const [, lost, again] = one.server.seen;
    expect(again?.headers['idempotency-key']).toBe(lost?.headers['idempotency-key']);
    const other = rig([keeps('kept-by-a-later-version'), answerLost()]);
    await endOf(other, other.client.post('/orders', {}));
    expect(await endOf(other, other.client.post('/orders', {}))).toMatchObject({ code: 'ECONNRESET' });
  });

  it('that answers with a code that this version does not know is an AxiosError with the problem document', async () => {
    const problem = {
      type: 'urn:slackwater:problem:moon',
      title: 'x',
      status: 422,
      detail: 'x',
      code: 'moon',
    };
    const { end } = await posted([answer(422, problem)]);
    expect(end).toMatchObject({ isAxiosError: true, status: 422, response: { data: problem } });
  });

  it('that has later reasons for its refusals is waited for all the same', async () => {
    const facts = { partition: 'p', workType: 'w', reasons: ['moon-in-the-seventh-house'] };
    const { end } = await posted([retryLater(500, facts), answer(201)]);
    expect(end).toMatchObject({ status: 201 });
  });
});

describe('a receipt', () => {
  it('of this very request is verified, digest included', async () => {
    const { end } = await posted([deferred(resource), status({ ...resource, ...done }), outcome(201)]);
    expect((end as SlackwaterResponse).slackwater).toMatchObject({ receiptVerified: true });
  });

  it.each<[string, () => Promise<DeferralResource>]>([
    ['another body', () => forger.accept({ ...sent, body: '{"sku":"b"}' })],
    ['another path', () => forger.accept({ ...sent, url: '/refunds' })],
    ['another method', () => forger.accept({ ...sent, method: 'PUT' })],
    ['another query', () => forger.accept({ ...sent, url: '/orders?x=1' })],
    ['another media type', () => forger.accept({ ...sent, contentType: 'text/plain' })],
    ['an entry of a later version', async () => ({ ...resource, entry: btoa('{"v":2}') })],
    ['another ledger', async () => (await proofForger()).accept(sent)],
  ])('for %s is refused', async (_what, other) => {
    const { end, server } = await posted([deferred(await other())]);
    expect(end).toMatchObject({ code: 'receipt-unverified' });
    expect(server.seen).toHaveLength(1);
  });

  it('for another request in a later answer takes nothing from the one that was verified', async () => {
    const { receipt, entry, salt } = await forger.accept({ ...sent, body: '{"sku":"b"}' });
    const later = status({ ...resource, ...done, receipt, entry, salt });
    const { end } = await posted([deferred(resource), later, outcome(201)]);
    const shown = {
      status: 'Succeeded',
      receipt: resource.receipt,
      entry: resource.entry,
      salt: resource.salt,
    };
    const slackwater = { receiptVerified: true, receipt: resource.receipt, deferral: shown };
    expect(end).toMatchObject({ status: 201, slackwater });
  });

  it('of a later head is verified anew where the store has lost the first, and one of another request is not', async () => {
    const own = await proofForger();
    const first = await own.accept(sent);
    await own.accept({ ...sent, body: '{"sku":"b"}' });
    const later = { ...first, ...done, receipt: await own.receipt(0) };
    const { receipt, entry, salt } = await own.accept({ ...sent, body: '{"sku":"b"}' });
    const forgetful = { get: async () => undefined, set: async () => {} };
    const options = { receipts: forgetful, verifierKeys: [own.verifierKey] };
    for (const [resource, receiptVerified] of [
      [later, true],
      [{ ...later, receipt, entry, salt }, false],
    ] as const) {
      const { end } = await posted([deferred(first), status(resource), outcome(201)], options);
      const shown = { receipt: resource.receipt, receiptVerified };
      expect(end).toMatchObject({ status: 201, slackwater: shown });
    }
  });

  it('of a request that something on the way rewrites is taken where the caller says so', async () => {
    const rewritten = await forger.accept({ ...sent, url: '/api/orders' });
    const script = [deferred(rewritten), status({ ...rewritten, ...done }), outcome(201)];
    const { end } = await posted(script, { requestDigest: 'ignore' });
    expect(end).toMatchObject({ status: 201, slackwater: { receiptVerified: true } });
  });
});
