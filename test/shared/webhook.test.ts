import { createHmac, randomBytes } from 'node:crypto';
import { signWebhook, verifyWebhook, webhookKey } from '@slackwater/shared';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

// The example of the Standard Webhooks libraries.
const example = {
  secret: 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw',
  id: 'msg_p5jXN8AQM9LWM0D4loKWxJek',
  timestamp: 1_614_265_330,
  body: '{"test": 2432232314}',
  signature: 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=',
};
const nowMs = example.timestamp * 1_000;
const headers = {
  'webhook-id': example.id,
  'webhook-timestamp': String(example.timestamp),
  'webhook-signature': example.signature,
};
const secrets = [example.secret];
const makeSecret = (length = 32): string => `whsec_${randomBytes(length).toString('base64')}`;

describe('a signed webhook', () => {
  it('is what every library of Standard Webhooks makes and takes', () => {
    const body = Buffer.from(example.body);
    expect(signWebhook({ id: example.id, timestamp: example.timestamp, body }, secrets)).toBe(
      example.signature,
    );
    expect(verifyWebhook({ headers, body: example.body }, { secrets, nowMs })).toBe(true);
    expect(verifyWebhook({ headers: new Headers(headers), body }, { secrets, nowMs })).toBe(true);
  });

  it('is HMAC-SHA-256 over id, timestamp and body, with each secret', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), fc.integer({ min: 24, max: 64 }), (body, length) => {
        const pair = [makeSecret(length), makeSecret()];
        const timestamp = 1_700_000_000;
        const signature = signWebhook({ id: 'msg_1', timestamp, body }, pair);
        const expected = pair.map((secret) => {
          const hmac = createHmac('sha256', Buffer.from(secret.slice(6), 'base64'));
          return `v1,${hmac.update(`msg_1.${timestamp}.`).update(body).digest('base64')}`;
        });
        expect(signature).toBe(expected.join(' '));
        const sent = {
          'webhook-id': 'msg_1',
          'webhook-timestamp': String(timestamp),
          'webhook-signature': signature,
        };
        for (const secret of pair) {
          const trust = { secrets: [makeSecret(), secret], nowMs: timestamp * 1_000 };
          expect(verifyWebhook({ headers: sent, body }, trust)).toBe(true);
        }
      }),
    );
  });

  it('is refused where anything of it was changed, or it is too old, or from the future', () => {
    const verified = (changed: object, more: object = {}): boolean =>
      verifyWebhook(
        { headers: { ...headers, ...changed }, body: example.body, ...more },
        { secrets, nowMs, ...more },
      );
    expect(verified({})).toBe(true);
    expect(verified({ 'webhook-id': 'msg_other' })).toBe(false);
    expect(verified({ 'webhook-timestamp': String(example.timestamp + 1) })).toBe(false);
    expect(verified({ 'webhook-signature': example.signature.replace('v1', 'v1a') })).toBe(false);
    expect(verified({ 'webhook-signature': `v1,${Buffer.alloc(32).toString('base64')}` })).toBe(false);
    expect(verified({}, { body: `${example.body} ` })).toBe(false);
    expect(verified({}, { secrets: [makeSecret()] })).toBe(false);
    expect(verified({}, { nowMs: nowMs + 300_000 })).toBe(true);
    expect(verified({}, { nowMs: nowMs + 300_001 })).toBe(false);
    expect(verified({}, { nowMs: nowMs - 300_001 })).toBe(false);
    expect(verified({}, { nowMs: nowMs - 300_001, toleranceMs: 600_000 })).toBe(true);
  });

  it('is false for whatever is none, and never throws', () => {
    const anything = fc.anything();
    fc.assert(
      fc.property(anything, anything, anything, anything, (someHeaders, body, someSecrets, now) => {
        const message = { headers: someHeaders, body } as Parameters<typeof verifyWebhook>[0];
        const trust = { secrets: someSecrets, nowMs: now } as Parameters<typeof verifyWebhook>[1];
        expect(verifyWebhook(message, trust)).toBe(false);
      }),
    );
    expect(verifyWebhook({ headers, body: example.body }, { secrets, nowMs: Number.NaN })).toBe(false);
    expect(verifyWebhook({ headers, body: example.body }, { secrets: [], nowMs })).toBe(false);
  });

  it.each([
    '',
    'whsec_',
    `whsec_${Buffer.alloc(23).toString('base64')}`,
    `whsec_${Buffer.alloc(65).toString('base64')}`,
    Buffer.alloc(32).toString('base64'),
    'whsec_secret!',
    7,
  ])('has no secret %j, and no message shows it', (secret) => {
    expect(webhookKey(secret)).toBeUndefined();
    const sign = (): string =>
      signWebhook({ id: 'a', timestamp: 1, body: new Uint8Array() }, [secret as string]);
    expect(sign).toThrow('whsec_ and base64 of 24 to 64 bytes');
  });
});
