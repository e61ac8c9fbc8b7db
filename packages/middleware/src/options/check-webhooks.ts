import { webhookKey } from '@slackwater/shared';
import type { WebhookEvent, WebhookPolicy, WebhookTarget } from '../perform/webhooks/webhook-types.ts';
import { OptionContradictionError, OptionInvalidError, OptionMissingError } from './option-error.ts';
import { type Read, type Readers, readGroup, within } from './read-group.ts';
import { arrayOf, flag, isFunction, milliseconds, number, oneOf } from './read-values.ts';
import { said } from './said.ts';
import { type WebhookDeliveryOptions, webhookDeliveryDefaults } from './webhook-options.ts';

/** Those of perform/webhooks, repeated because a room of its own may not be imported here; a test compares the two. */
const events = [
  'performed',
  'failed',
  'parked',
  'canceled',
  'reversed',
] as const satisfies readonly WebhookEvent[];
const mostSecrets = 5;
const mostAllowed = 1_000;
/** What to give, to be read after a semicolon. */
export const secretAdvice =
  "give 'whsec_' and base64 of 24 to 64 random bytes, or a list of up to five of them";

/** An absolute URL, without user name and password. */
export const readUrl: Read<string> = (value, option) => {
  const advice = 'give an absolute URL such as https://hooks.example/slackwater';
  const url = typeof value === 'string' && URL.canParse(value) ? new URL(value) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol))
    throw new OptionInvalidError(option, value, advice);
  if (url.username !== '' || url.password !== '') {
    throw new OptionContradictionError(option, `it has a user name or password; ${advice}`);
  }
  return String(value);
};

/** Secrets. Never quotes what it was given: that may be one. */
export const readSecret: Read<readonly string[]> = (value, option) => {
  const list = isList(value) ? elementsIn(value) : [value];
  if (list.length === 0 || list.length > mostSecrets) {
    throw new OptionContradictionError(option, `a list of ${list.length}; ${secretAdvice}`);
  }
  return list.map((secret, at) => {
    if (typeof secret === 'string' && webhookKey(secret) !== undefined) return secret;
    const kind = typeof secret === 'string' ? 'a text that is no such secret' : said(secret);
    throw new OptionContradictionError(
      list.length === 1 ? option : `${option}[${at}]`,
      `${kind}; ${secretAdvice}`,
    );
  });
};

function isList(value: unknown): value is readonly unknown[] {
  try {
    return Array.isArray(value);
  } catch {
    return false;
  }
}

/** No more than it takes to see that there are too many. */
function elementsIn(list: readonly unknown[]): readonly unknown[] {
  return Array.from<unknown>(list.slice(0, mostSecrets + 1));
}

const readAllowed: Read<string> = (value, option) => {
  const url = readUrl(value, option);
  if (!/[?#]/.test(url)) return url;
  throw new OptionInvalidError(option, value, 'give an origin or a prefix, without query and fragment');
};

const readers: Readers<WebhookTarget> = {
  url: (value, option) =>
    isFunction<Exclude<WebhookTarget['url'], string>>(value) ? value : readUrl(value, option),
  secret: readSecret,
  events: arrayOf(oneOf(events), events.length, `give some of ${events.join(', ')}`),
};

/** How a work type's `webhook` is read; what it gives may be read again. */
export const readWebhook: Read<WebhookTarget> = (value, option) => {
  const advice =
    "give an object, { url: 'https://hooks.example/slackwater', secret: process.env.WEBHOOK_SECRET }";
  const given = readGroup<WebhookTarget>(value, option, readers, { advice });
  const { url, secret } = given;
  if (url === undefined)
    throw new OptionMissingError(within(option, 'url'), 'say where to; give a URL, or a function');
  if (secret === undefined) {
    throw new OptionMissingError(
      within(option, 'secret'),
      `receivers must know whom it comes from; ${secretAdvice}`,
    );
  }
  return { url, secret, events: given.events ?? events };
};

/** How the options under `webhooks` are read. */
export const webhookDeliveryReaders: Readers<WebhookDeliveryOptions> = {
  allow: arrayOf(readAllowed, mostAllowed, "give a list of URLs, ['https://hooks.example/']"),
  privateAddresses: flag,
  timeoutMs: milliseconds(10, 60_000),
  maxAttempts: number({ from: 1, to: 100, of: 'times' }),
  retryBaseMs: milliseconds(1, 3_600_000),
  retryCapMs: milliseconds(1, 86_400_000),
  maxInFlight: number({ from: 1, to: 1_000, of: 'webhooks' }),
};

/** The options under `webhooks`, whole. Throws `option-invalid`, `option-unknown` and `option-missing`. */
export function checkWebhooks(value: unknown): WebhookPolicy | undefined {
  if (value === undefined) return undefined;
  const advice = "give an object, { allow: ['https://hooks.example/'] }";
  const given = readGroup<WebhookDeliveryOptions>(value, 'webhooks', webhookDeliveryReaders, { advice });
  const { allow } = given;
  if (allow === undefined) {
    throw new OptionMissingError(
      'webhooks.allow',
      "say to whom they may go; give URLs, ['https://hooks.example/']",
    );
  }
  const whole = { ...webhookDeliveryDefaults, ...given, allow };
  if (whole.retryCapMs >= whole.retryBaseMs) return whole;
  throw new OptionContradictionError(
    'webhooks.retryCapMs',
    `${whole.retryCapMs} is less than the ${whole.retryBaseMs} of webhooks.retryBaseMs; give both`,
  );
}
