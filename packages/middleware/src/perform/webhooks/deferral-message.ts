import type { Clock } from '../../clock.ts';
import { inTime } from '../../in-time.ts';
import type { Deferral, DeferralLedger } from '../../ledger/deferral.ts';
import type { Sendable } from './sendable.ts';
import { isAheadOf, isOvertaken, messageBody } from './webhook-message.ts';
import type { WebhookNote } from './webhook-notes.ts';
import type { WebhookDeferral, WebhookTarget } from './webhook-types.ts';

/** So soon after the entry every state says what it says, where nothing is in trouble. */
const soonMs = 60_000;

/** How long a `url` function is waited for, ms. */
export const askMs = 5_000;

/** What telling of deferrals takes. */
export interface DeferralMessageParts {
  readonly clock: Clock;
  readonly ledger: Pick<DeferralLedger, 'find'>;
  /** Undefined where nobody is to be told of that work type. */
  readonly targetOf: (workType: string) => WebhookTarget | undefined;
  readonly shown: (deferral: Deferral) => WebhookDeferral | Promise<WebhookDeferral>;
  /** Hears of a `url` that throws. */
  readonly trouble: (doing: string, error: unknown) => void;
}

/** What is sent of a deferral, as it is now; undefined where nobody is to be told, `later` where its state is not written yet. */
export async function deferralMessage(
  parts: DeferralMessageParts,
  note: WebhookNote,
): Promise<Sendable | 'later' | undefined> {
  const deferral = await parts.ledger.find(note.id);
  if (deferral === undefined || isOvertaken(deferral, note)) return undefined;
  // Its state is written right after the entry that the note is of.
  const shown = await parts.shown(deferral);
  if (isAheadOf(deferral, shown, note) && parts.clock.wallNow() < note.at + soonMs) return 'later';
  const target = parts.targetOf(deferral.workType);
  const url = target && (await urlFor(parts, target, shown));
  if (target === undefined || url === undefined) return undefined;
  const body = messageBody(note, shown);
  return { url, secret: target.secret, body, workType: deferral.workType };
}

async function urlFor(
  { clock, trouble }: DeferralMessageParts,
  { url }: WebhookTarget,
  shown: WebhookDeferral,
): Promise<Sendable['url'] | undefined> {
  if (typeof url === 'string') return { kind: 'url', url };
  try {
    const asking = (async () => url(shown))();
    const given: unknown = await inTime(clock, askMs, 'The url of a webhook', asking);
    if (given === undefined) return undefined;
    return { kind: 'url', url: String(given) };
  } catch (error) {
    trouble('asking for the url of a webhook', error);
    return { kind: 'failed', message: 'its url function failed' };
  }
}
