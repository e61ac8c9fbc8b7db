import type { WebhookDeferral, WebhookEvent } from '../perform/webhooks/webhook-types.ts';

/** Who is told what became of deferrals of a work type, by signed webhooks. */
export interface WebhookOptions {
  /**
   * Where it is sent, an absolute URL, or a function of the deferral that gives one, or undefined for none; `webhooks.allow` must have
   * it. Required.
   */
  readonly url: string | ((deferral: WebhookDeferral) => string | undefined | Promise<string | undefined>);
  /**
   * What it is signed with: `whsec_` and base64 of 24 to 64 random bytes. Several, up to five, while it is changed: each signs.
   * Required.
   */
  readonly secret: string | readonly string[];
  /** What is told: `performed`, `failed`, `parked`, `canceled`, `reversed`. Default all. */
  readonly events?: readonly WebhookEvent[];
}

/** Who is told that tasks of a type fail too often, by signed webhooks. */
export interface MonitorOptions {
  /** Where it is sent, an absolute URL; `webhooks.allow` must have it. Required. */
  readonly url: string;
  /** What it is signed with: `whsec_` and base64 of 24 to 64 random bytes. Several, up to five, while it is changed. Required. */
  readonly secret: string | readonly string[];
}

/** To whom webhooks may go, and how often they are sent. */
export interface WebhookDeliveryOptions {
  /** URLs that webhooks may go to: those that begin with one of these, by whole segments. Required where a work type has a `webhook`, or there are `monitors`. */
  readonly allow: readonly string[];
  /** Whether they may go to addresses that are not public: loopback, private, link-local. Default false. */
  readonly privateAddresses?: boolean;
  /** How long an answer is waited for, ms. Default 10,000. */
  readonly timeoutMs?: number;
  /** How often a webhook is sent before it is given up. Default 12. */
  readonly maxAttempts?: number;
  /** The longest wait before the second time, ms; it doubles with each. Default 5,000. */
  readonly retryBaseMs?: number;
  /** The longest wait between two times, ms. Default 21,600,000. */
  readonly retryCapMs?: number;
  /** How many are sent at once by one host; half of them to one receiver. Default 16. */
  readonly maxInFlight?: number;
}

/** What {@link WebhookDeliveryOptions} are where they are left out. */
export const webhookDeliveryDefaults = {
  privateAddresses: false,
  timeoutMs: 10_000,
  maxAttempts: 12,
  retryBaseMs: 5_000,
  retryCapMs: 21_600_000,
  maxInFlight: 16,
} as const satisfies Partial<WebhookDeliveryOptions>;
