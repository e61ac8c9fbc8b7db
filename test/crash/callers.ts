import { setTimeout as sleep } from 'node:timers/promises';
import { type DeferralResource, parseDeferralResource } from '@slackwater/shared';

/** A request that was answered with 202. */
export interface Accepted {
  readonly reference: string;
  readonly customer: string;
  /** Where its status is, capability included. */
  readonly statusUrl: string;
  readonly resource: DeferralResource;
}

/** What the callers were answered, by reference. */
export interface Answers {
  readonly sent: Set<string>;
  /** Answered with the route's own success. */
  readonly done: Set<string>;
  readonly accepted: Map<string, Accepted>;
  /** How often an answer was lost on its way and the request was sent again with the same key. */
  answersLost: number;
  /** How often such a repetition was told that the work had been done. */
  doneBefore: number;
  /** Answers that nobody should get. */
  readonly strange: string[];
}

/** Callers at work. */
export interface Callers {
  readonly answers: Answers;
  /** No new requests; resolves when those under way have been answered. */
  finish(): Promise<void>;
}

const regulars = 5;
const visitors = 5;
const answersWithinMs = 10_000;
const longestWaitMs = 150;
const betweenOrdersMs = 80;
const betweenPaymentsMs = 30;
const whileDownMs = 25;

/**
 * Customers who order one thing after the other, allow deferral, and repeat a request with its key until it is
 * answered; and one who pays without keys. Regulars order in their own name, so that orders queue up behind deferred
 * ones of the same order key; visitors take a new name each time, and are more often served at once. Unlike the SDK they
 * hardly wait: the more is under way at a kill, the better.
 */
export function startCallers(address: string): Callers {
  const answers: Answers = {
    sent: new Set(),
    done: new Set(),
    accepted: new Map(),
    answersLost: 0,
    doneBefore: 0,
    strange: [],
  };
  let finishing = false;

  async function order(name: (count: number) => string): Promise<void> {
    for (let count = 0; !finishing; count += 1) {
      const customer = name(count);
      const reference = `order-${customer}-${count}`;
      answers.sent.add(reference);
      await untilAnswered(address, { reference, customer }, answers);
      await sleep(betweenOrdersMs);
    }
  }

  async function pay(): Promise<void> {
    for (let count = 0; !finishing; count += 1) {
      const reference = `payment-${count}`;
      const body = { reference, amountCents: 100 };
      const response = await post(`${address}/payments`, 'payer', body, {});
      if (response instanceof Response) {
        await response.text().catch(() => '');
        if (response.ok) answers.done.add(reference);
      }
      await sleep(betweenPaymentsMs);
    }
  }

  const underWay = [
    pay(),
    ...Array.from({ length: regulars }, (_, at) => order(() => `regular-${at}`)),
    ...Array.from({ length: visitors }, (_, at) => order((count) => `visitor-${at}-${count}`)),
  ];
  return {
    answers,
    async finish() {
      finishing = true;
      await Promise.all(underWay);
    },
  };
}

async function untilAnswered(
  address: string,
  { reference, customer }: { readonly reference: string; readonly customer: string },
  answers: Answers,
): Promise<void> {
  const body = { reference, item: 'oars', count: 1 };
  const headers = { 'Idempotency-Key': `"${reference}"`, Prefer: 'respond-async' };
  for (;;) {
    const response = await post(`${address}/orders`, customer, body, headers);
    const text = response === 'not sent' ? undefined : await response?.text().catch(() => undefined);
    if (response === undefined || response === 'not sent' || text === undefined) {
      if (response !== 'not sent') answers.answersLost += 1;
      await sleep(whileDownMs);
      continue;
    }
    if (response.status === 202) {
      const resource = parseDeferralResource(JSON.parse(text));
      const statusUrl = new URL(response.headers.get('Operation-Location') ?? '', address).href;
      answers.accepted.set(reference, { reference, customer, statusUrl, resource });
      return;
    }
    if (response.ok) {
      answers.done.add(reference);
      return;
    }
    const told = waitFor(response, text);
    if (told === 'done') {
      answers.doneBefore += 1;
      answers.done.add(reference);
      return;
    }
    if (told === undefined) answers.strange.push(`${reference}: ${response.status} ${text.slice(0, 300)}`);
    await sleep(told ?? longestWaitMs);
  }
}

/** How long to wait before the request is repeated; undefined for an answer that was not to be expected. */
function waitFor(response: Response, text: string): number | 'done' | undefined {
  const code = /"code":"([\w-]+)"/.exec(text)?.[1];
  // Performed before, and the answer was lost with the process: known to be done.
  if (response.status === 409 && code === 'already-performed') return 'done';
  if (response.status === 409 && code === 'idempotency-key-in-use') return longestWaitMs;
  if (response.status === 503)
    return Math.min(longestWaitMs, Number(response.headers.get('Slackwater-Retry-After-Ms')));
  return undefined;
}

/** Sends it; `not sent` where nobody listened, undefined where no answer came. */
async function post(
  url: string,
  customer: string,
  body: object,
  headers: Readonly<Record<string, string>>,
): Promise<Response | 'not sent' | undefined> {
  try {
    return await fetch(url, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', 'X-Customer': customer, ...headers },
      body: JSON.stringify(body),
      signal: AbortSignal.timeout(answersWithinMs),
    });
  } catch (error) {
    const cause = error instanceof Error ? error.cause : undefined;
    const refused = cause instanceof Error && 'code' in cause && cause.code === 'ECONNREFUSED';
    return refused ? 'not sent' : undefined;
  }
}
