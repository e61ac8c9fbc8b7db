import { signWebhook, webhookHeaders } from '@slackwater/shared';
import type { Clock, Timer } from '../../clock.ts';
import type { EngineLog } from '../../engines/log.ts';
import type { EngineStore } from '../../engines/store.ts';
import { retryDelayMs } from '../back-off.ts';
import { askMs, type DeferralMessageParts, deferralMessage } from './deferral-message.ts';
import { isMonitored, type MonitorOf, monitorMessage } from './monitor-message.ts';
import { beginNoting, noteMessages } from './note-messages.ts';
import { OriginPlaces } from './origin-places.ts';
import { type PostResult, postMessage } from './post-message.ts';
import type { Sendable } from './sendable.ts';
import { messageId } from './webhook-message.ts';
import { type DueNote, isForMonitors, type WebhookNote, WebhookNotes } from './webhook-notes.ts';
import type { WebhookPolicy, WebhookReport } from './webhook-types.ts';

// A message, by crash point: note (note-messages.ts) -> lease -> sent -> note gone, or a later one. Crash after it was sent: its note is
// there, and it is sent again when the lease has ended. So a receiver gets each message at least once, with the same webhook-id.

/** What sending webhooks takes. */
export interface SenderParts extends DeferralMessageParts {
  readonly clock: Clock;
  readonly log: Pick<EngineLog, 'read' | 'size'>;
  readonly store: EngineStore;
  readonly policy: WebhookPolicy;
  readonly monitorOf: MonitorOf;
  readonly keptForMs: number;
  readonly tell: (report: WebhookReport) => void;
  /** Hears of trouble that is tried again: an engine that can't be asked, a `url` that throws. */
  readonly trouble: (doing: string, error: unknown) => void;
  /** From 0 up to, not including, 1; spreads retries. */
  readonly random: () => number;
}

/** Sends what is to be told to those who are to be told. */
export interface WebhookSender {
  /** Something may be to be told: looks at once. */
  kick(): void;
  /** Ends what is being sent; it is sent again by whoever is next. */
  close(): Promise<void>;
}

const lookEveryMs = 1_000;
/** However much there is to be told, the engine is not asked sooner than this. */
const leastLookMs = 100;
/** So many pages of what is due are gone through for such as have a place. */
const mostPages = 20;
/** Beyond the time that sending may take, ms. */
const leaseSlackMs = 10_000;
/** Begins to send. */
export function startWebhooks(parts: SenderParts): WebhookSender {
  const { clock, policy, tell, trouble } = parts;
  const notes = new WebhookNotes(parts.store);
  const stop = new AbortController();
  const underWay = new Map<string, Promise<void>>();
  const places = new OriginPlaces(policy.maxInFlight);
  let looking: Promise<void> | undefined;
  let askedAgain = false;
  let begun = false;
  let timer: Timer | undefined;
  let lookedAt = Number.NEGATIVE_INFINITY;
  /** Trouble of the engine is told once for each spell of it. */
  let isFailing = false;

  function kick(): void {
    askedAgain = true;
    if (looking === undefined) lookAfter(lookedAt + leastLookMs - clock.now());
  }

  function lookAfter(ms: number): void {
    timer?.cancel();
    if (stop.signal.aborted) return;
    timer = clock.after(Math.max(0, ms), () => {
      looking = look().finally(() => {
        looking = undefined;
        lookAfter(askedAgain ? leastLookMs : lookEveryMs);
      });
    });
  }

  function inTrouble(doing: string, error: unknown): void {
    if (!isFailing) trouble(doing, error);
    isFailing = true;
  }

  async function look(): Promise<void> {
    askedAgain = false;
    lookedAt = clock.now();
    try {
      await lookOnce();
      isFailing = false;
    } catch (error) {
      inTrouble('looking for webhooks to be sent', error);
    }
  }

  async function lookOnce(): Promise<void> {
    if (!begun) await beginNoting(parts);
    begun = true;
    await noteMessages({
      ...parts,
      notes,
      isWanted: (entry, event) =>
        isForMonitors(event)
          ? isMonitored(entry, parts.monitorOf)
          : parts.targetOf(entry.workType)?.events.includes(event) === true,
      notOlderThanMs: parts.keptForMs,
    });
    const now = clock.wallNow();
    let after: string | undefined;
    for (let page = 0; page < mostPages && underWay.size < policy.maxInFlight; page += 1) {
      const due = await notes.due(now, after);
      for (const one of due.notes) begin(one);
      if (due.next === undefined) return;
      after = due.next;
    }
  }

  function begin(due: DueNote): void {
    const isFull = underWay.size >= policy.maxInFlight || places.isFull(due.note.position);
    if (isFull || underWay.has(due.key) || stop.signal.aborted) return;
    underWay.set(due.key, send(due));
  }

  /** Never rejects. */
  async function send(due: DueNote): Promise<void> {
    let again = false;
    try {
      const expiresAt = clock.wallNow() + policy.timeoutMs + askMs + leaseSlackMs;
      const lease = await notes.lease(due.note, expiresAt);
      if (lease === undefined) return;
      again = (await notes.isThere(due.key)) && (await attempt(due));
      await notes.release(due.note, lease);
    } catch (error) {
      inTrouble('sending a webhook', error);
    } finally {
      underWay.delete(due.key);
      // Others wait for its place. What could not be done now is looked at with everything else.
      if (again) kick();
    }
  }

  /** Whether it was dealt with, for now or for good. */
  async function attempt({ key, note }: DueNote): Promise<boolean> {
    const made = isForMonitors(note.event)
      ? await monitorMessage(parts.log, parts.monitorOf, note)
      : await deferralMessage(parts, note);
    if (made === 'later') return false;
    if (made === undefined) {
      await notes.delete(key);
      return true;
    }
    const { url } = made;
    const leave = places.enter(note.position, url.kind === 'url' ? url.url : '');
    if (leave === undefined) return false;
    try {
      const result = url.kind === 'url' ? await post(url.url, made, note) : url;
      if (stop.signal.aborted && result.kind === 'failed') return false;
      await settle(key, note, made, result);
      return true;
    } finally {
      leave();
    }
  }

  function post(url: string, { body, secret }: Sendable, note: WebhookNote): Promise<PostResult> {
    const id = messageId(note);
    const timestamp = Math.floor(clock.wallNow() / 1_000);
    const headers = {
      'content-type': 'application/json',
      'user-agent': 'Slackwater-Webhook',
      [webhookHeaders.id]: id,
      [webhookHeaders.timestamp]: String(timestamp),
      [webhookHeaders.signature]: signWebhook({ id, timestamp, body }, secret),
    };
    return postMessage({ url, headers, body }, policy, clock, stop.signal);
  }

  async function settle(
    key: string,
    note: WebhookNote,
    { workType, task }: Sendable,
    result: PostResult,
  ): Promise<void> {
    const attempts = note.attempts + 1;
    const { id, event } = note;
    const about = { id, workType, ...(task !== undefined && { task }), event };
    const report = { ...about, webhookId: messageId(note), attempts };
    const said = result.kind === 'answered' ? { status: result.status } : { message: result.message };
    const isGood = result.kind === 'answered' && result.status >= 200 && result.status < 300;
    // 410 is how a receiver of Standard Webhooks says that it wants no more.
    const isFinal = result.kind === 'refused' || (result.kind === 'answered' && result.status === 410);
    if (isGood || isFinal || attempts >= policy.maxAttempts) {
      await notes.delete(key);
      tell({ type: isGood ? 'delivered' : 'given-up', ...report, ...said });
      return;
    }
    const { retryBaseMs, retryCapMs } = policy;
    const delayMs = Math.max(lookEveryMs, retryDelayMs(attempts, retryBaseMs, retryCapMs, parts.random()));
    const retryAt = Math.ceil(clock.wallNow() + delayMs);
    await notes.put({ ...note, attempts }, retryAt);
    await notes.delete(key);
    tell({ type: 'failed', ...report, ...said, retryAt });
  }

  kick();
  return {
    kick,
    async close() {
      stop.abort();
      timer?.cancel();
      await looking;
      await Promise.all(underWay.values());
    },
  };
}
