import { randomBytes } from 'node:crypto';
import { slackwater, sqliteEngine } from '@slackwater/middleware';
import { describe, expect, it } from 'vitest';
import { resolveOptions } from '../../../packages/middleware/src/options/resolve-options.ts';
import { webhookEvents } from '../../../packages/middleware/src/perform/webhooks/webhook-types.ts';
import { refusalOf } from './refused.ts';

const secret = `whsec_${randomBytes(32).toString('base64')}`;
const url = 'https://hooks.example/in';
const allow = ['https://hooks.example/'];
const withWebhook = (webhook: unknown, webhooks: unknown = { allow }): Record<string, unknown> => ({
  workTypes: { settle: { priority: 1, webhook } },
  webhooks,
  engine: sqliteEngine({ directory: '.slackwater' }),
});

describe('webhooks', () => {
  it('are whole when they are read, and again when a work type is changed', () => {
    const { workTypes, webhooks } = resolveOptions(withWebhook({ url, secret }));
    expect(workTypes[0]?.webhook).toEqual({ url, secret: [secret], events: [...webhookEvents] });
    expect(webhooks).toEqual({
      allow,
      privateAddresses: false,
      timeoutMs: 10_000,
      maxAttempts: 12,
      retryBaseMs: 5_000,
      retryCapMs: 21_600_000,
      maxInFlight: 16,
    });
    const { workTypes: again } = resolveOptions(withWebhook(workTypes[0]?.webhook));
    expect(again).toEqual(workTypes);
    expect(resolveOptions({}).webhooks).toBeUndefined();
  });

  it.each<[unknown, string]>([
    [{ secret }, 'workTypes.settle.webhook.url: missing'],
    [{ url }, 'workTypes.settle.webhook.secret: missing'],
    [{ url: '/in', secret }, 'workTypes.settle.webhook.url: "/in"'],
    [{ url: 'ftp://hooks.example/', secret }, 'give an absolute URL'],
    [{ url: 'https://a:b@hooks.example/', secret }, 'user name or password'],
    [{ url, secret: [] }, 'a list of 0'],
    [{ url, secret: Array(6).fill(secret) }, 'a list of 6'],
    [{ url, secret, events: ['done'] }, 'workTypes.settle.webhook.events[0]'],
    [{ url, secret, retries: 3 }, 'workTypes.settle.webhook.retries: there is no such option'],
  ])('are refused for %j', (webhook, sentence) => {
    expect(refusalOf(withWebhook(webhook)).message).toContain(sentence);
  });

  it('are refused without the secret being shown', () => {
    for (const given of ['hunter2hunter2', [secret, 'hunter2hunter2'], `${secret}hunter2`]) {
      const { message } = refusalOf(withWebhook({ url, secret: given }));
      expect(message).toContain('a text that is no such secret');
      expect(message).not.toContain('hunter2');
    }
  });

  it.each<[unknown, string]>([
    [{}, 'webhooks.allow: missing'],
    [{ allow: 'https://hooks.example/' }, 'webhooks.allow'],
    [{ allow: ['hooks.example'] }, 'webhooks.allow[0]: "hooks.example"'],
    [{ allow: ['https://hooks.example/?a'] }, 'without query and fragment'],
    [{ allow, retryBaseMs: 2_000, retryCapMs: 1_000 }, '1000 is less than the 2000'],
    [{ allow, timeoutMs: 1 }, 'webhooks.timeoutMs: 1'],
  ])('need to be told where they may go: %j', (webhooks, sentence) => {
    expect(refusalOf(withWebhook({ url, secret }, webhooks)).message).toContain(sentence);
  });

  it('need it wherever a work type has one', () => {
    const { workTypes } = withWebhook({ url, secret });
    expect(refusalOf({ workTypes }).message).toContain(
      'webhooks: missing; workTypes.settle.webhook is there',
    );
    expect(refusalOf({ workTypes, webhooks: { allow } }).message).toContain(
      'engine: missing; workTypes.settle.webhook is there',
    );
  });

  it('are refused when the gate is made, where they may not go to their URL', () => {
    const make = (webhook: object): unknown =>
      slackwater(withWebhook({ secret, ...webhook }, { allow: [...allow, 'http://127.0.0.1/'] }));
    expect(() => make({ url: 'https://other.example/' })).toThrow(
      'workTypes.settle.webhook.url: no webhook may go there: webhooks.allow does not have it',
    );
    expect(() => make({ url: 'http://127.0.0.1/' })).toThrow('not a public one');
  });
});
