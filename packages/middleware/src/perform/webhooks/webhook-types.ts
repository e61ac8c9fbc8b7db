import type { DeferralResource } from '@slackwater/shared';

/** What a webhook tells of a deferral. */
export const webhookEvents = ['performed', 'failed', 'parked', 'canceled', 'reversed'] as const;

/** One of {@link webhookEvents}. */
export type WebhookEvent = (typeof webhookEvents)[number];

/** What monitors are told of tasks: that those of a type fail too often, and that some can't be undone. */
export const monitorEvents = ['task-failing', 'task-undo-failed'] as const;

/** One of {@link monitorEvents}. */
export type MonitorEvent = (typeof monitorEvents)[number];

/** A deferral as webhooks show it: without what only its caller holds. */
export type WebhookDeferral = Omit<DeferralResource, 'receipt' | 'entry' | 'salt' | 'error'> & {
  /** Its code alone: the message may quote the application. */
  readonly error?: Pick<NonNullable<DeferralResource['error']>, 'code'>;
  readonly method: string;
  /** Pattern. */
  readonly route: string;
  /** The requester's random pseudonym. */
  readonly requester: string;
};

/** Where what became of deferrals of a work type is told, and signed with what. */
export interface WebhookTarget {
  /** A URL, or a function that gives one, or undefined for none; asked anew each time that the message is sent. */
  readonly url: string | ((deferral: WebhookDeferral) => string | undefined | Promise<string | undefined>);
  /** `whsec_` and base64. Several while it is changed: each signs. */
  readonly secret: readonly string[];
  readonly events: readonly WebhookEvent[];
}

/** Where it is told that a type of task fails too often, and signed with what. */
export type MonitorTarget = Pick<WebhookTarget, 'secret'> & { readonly url: string };

/** To whom webhooks may go, and how often they are sent. Durations are milliseconds. */
export interface WebhookPolicy {
  /** Absolute URLs: a webhook goes to those that begin with one of them. */
  readonly allow: readonly string[];
  /** Whether they may go to addresses that are not public. */
  readonly privateAddresses: boolean;
  readonly timeoutMs: number;
  readonly maxAttempts: number;
  readonly retryBaseMs: number;
  readonly retryCapMs: number;
  readonly maxInFlight: number;
}

/** What is told of sending webhooks. */
export interface WebhookReport {
  /** `failed`: it is sent again at `retryAt`; `given-up`: it is not. */
  readonly type: 'delivered' | 'failed' | 'given-up';
  /** The deferral's; of what monitors are told that of its entry. */
  readonly id: string;
  /** Empty where it is about no deferral. */
  readonly workType: string;
  readonly event: WebhookEvent | MonitorEvent;
  /** Whose monitor was told. */
  readonly task?: string;
  /** The message's, the same each time. */
  readonly webhookId: string;
  /** From 1. */
  readonly attempts: number;
  /** The receiver's, where it answered. */
  readonly status?: number;
  /** For people; without the URL, which may be a secret. */
  readonly message?: string;
  /** Unix milliseconds. */
  readonly retryAt?: number;
}
