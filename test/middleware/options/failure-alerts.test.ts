import { randomBytes } from 'node:crypto';
import { slackwater, sqliteEngine } from '@slackwater/middleware';
import { describe, expect, it } from 'vitest';
import { failureAlertDefaults } from '../../../packages/middleware/src/options/failure-alert-options.ts';
import { resolveOptions } from '../../../packages/middleware/src/options/resolve-options.ts';
import { refusalOf } from './refused.ts';

const secret = `whsec_${randomBytes(32).toString('base64')}`;
const url = 'https://alerts.example/in';
const engine = sqliteEngine({ directory: '.slackwater' });
const webhooks = { allow: ['https://alerts.example/'] };

describe('failure alerts', () => {
  it('are more than 10 failures in 5 minutes and more than 100 in one where nothing is said, and none where nothing is given', () => {
    expect(resolveOptions({}).failureAlerts).toEqual(
      failureAlertDefaults.map(({ count, windowMs }) => ({ task: undefined, count, windowMs })),
    );
    expect(resolveOptions({ failureAlerts: [] }).failureAlerts).toEqual([]);
    const failureAlerts = [{ task: 'pay', count: 1, windowMs: 1_000 }];
    expect(resolveOptions({ failureAlerts }).failureAlerts).toEqual(failureAlerts);
  });

  it.each<[unknown, string]>([
    [{ count: 1, windowMs: 1_000 }, 'failureAlerts'],
    [[{ windowMs: 1_000 }], 'failureAlerts[0].count: missing'],
    [[{ count: 10 }], 'failureAlerts[0].windowMs: missing'],
    [[{ count: 0, windowMs: 1_000 }], 'give a whole number of failures from 1 to 10,000'],
    [[{ count: 1, windowMs: 5 }], 'failureAlerts[0].windowMs: 5'],
    [[{ task: '', count: 1, windowMs: 1_000 }], 'failureAlerts[0].task'],
    [[{ tsak: 'pay', count: 1, windowMs: 1_000 }], 'failureAlerts[0].tsak: there is no such option'],
  ])('are refused for %j', (failureAlerts, sentence) => {
    expect(refusalOf({ failureAlerts }).message).toContain(sentence);
  });
});

describe('monitors', () => {
  it.each<[Record<string, unknown>, string]>([
    [{ monitors: [url] }, 'give monitors by type of task'],
    [{ monitors: { pay: url } }, 'monitors.pay: "https://alerts.example/in"'],
    [{ monitors: { pay: { secret } }, webhooks, engine }, 'monitors.pay.url: missing'],
    [{ monitors: { pay: { url } }, webhooks, engine }, 'monitors.pay.secret: missing'],
    [{ monitors: { pay: { url, secret, events: [] } } }, 'monitors.pay.events'],
    [{ monitors: { pay: { url, secret } }, engine }, 'webhooks: missing'],
    [{ monitors: { pay: { url, secret } }, webhooks }, 'engine: missing'],
  ])('are refused for %j', (options, sentence) => {
    expect(refusalOf(options).message).toContain(sentence);
  });

  it('are refused where no webhook may go there', () => {
    const monitors = { pay: { url: 'https://elsewhere.example/', secret } };
    expect(() => slackwater({ monitors, webhooks, engine })).toThrow(
      /monitors\.pay\.url: no webhook may go there/,
    );
  });
});
