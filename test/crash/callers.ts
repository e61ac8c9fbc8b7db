import { setTimeout as sleep } from 'node:timers/promises';
import { type DeferralResource, parseDeferralResource } from '@slackwater/shared';

/** A request that was answered with 202. */
export interface Accepted {
  readonly reference: string;
  readonly customer: string;
  /** Where it was accepted. */
  readonly address: string;
  /** Where its status is at every address, capability included. */
  readonly statusPath: string;
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
  /** Requests that were neither answered nor cut off in the time that anything may take. */
  readonly hung: string[];
  /** How often a route failed because its database did, and the request was sent again with the same key. */
  failed: number;
  /** Answers that nobody should get. */
  readonly strange: string[];
}

/** Whom the callers turn to. */
export interface Calling {
  /** The address for the next attempt at a request. */
  readonly address: () => string;
  /** What references and customers are called after, so that those of several startings differ. Default none. */
  readonly named?: string;
  /** Whether the database fails, so that routes may answer 500. Default false: nobody should get that. */
  readonly routesMayFail?: boolean;
  /** Hears of each 202. The customer goes on when it has resolved. */
  readonly onAccepted?: (accepted: Accepted) => Promise<void>;
}

/** Callers at work. */
export interface Callers {
  readonly answers: Answers;
  /** No new requests; resolves when those under way have been answered. */
  finish(): Promise<void>;
}

const regulars = 5;
const visitors = 5;
const answersWithinMs = 30_000;
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
export function startCallers({ address, named = '', routesMayFail = false, onAccepted }: Calling): Callers {
  const answers: Answers = {
    sent: new Set(),
    done: new Set(),
    accepted: new Map(),
    answersLost: 0,
    doneBefore: 0,
    failed: 0,
    hung: [],
    strange: [],
  };
  let finishing = false;

  async function order(name: (count: number) => string): Promise<void> {
    for (let count = 0; !finishing; count += 1) {
      const customer = name(count);
      const reference = `order-${customer}-${count}`;
      answers.sent.add(reference);
      const accepted = await untilAnswered({ address, routesMayFail }, { reference, customer }, answers);
      if (accepted !== undefined) await onAccepted?.(accepted);
      await sleep(betweenOrdersMs);
    }
  }

  async function pay(): Promise<void> {
    for (let count = 0; !finishing; count += 1) {
      const reference = `payment-${named}${count}`;
      const body = { reference, amountCents: 100 };
      const answer = await post(`${address()}/payments`, 'payer', body, {});
      if (answer.kind === 'answered' && answer.response.ok) answers.done.add(reference);
      if (answer.kind === 'hung') answers.hung.push(reference);
      await sleep(betweenPaymentsMs);
    }
  }

  const underWay = [
    pay(),
    ...Array.from({ length: regulars }, (_, at) => order(() => `regular-${named}${at}`)),
    ...Array.from({ length: visitors }, (_, at) => order((count) => `visitor-${named}${at}-${count}`)),
  ];
  return {
    answers,
    async finish() {
      finishing = true;
      await Promise.all(underWay);
    },
  };
}

/** Sends an order until it is answered; resolves with what is known of it where that was a 202. */
async function untilAnswered(
  { address: nextAddress, routesMayFail }: Pick<Calling, 'address' | 'routesMayFail'>,
  { reference, customer }: { readonly reference: string; readonly customer: string },
  answers: Answers,
): Promise<Accepted | undefined> {
  const body = { reference, item: 'oars', count: 1 };
  const headers = { 'Idempotency-Key': `"${reference}"`, Prefer: 'respond-async' };
  for (;;) {
    const address = nextAddress();
    const answer = await post(`${address}/orders`, customer, body, headers);
    if (answer.kind !== 'answered') {
      if (answer.kind !== 'not sent') answers.answersLost += 1;
      if (answer.kind === 'hung') answers.hung.push(reference);
      await sleep(whileDownMs);
      continue;
    }
    const { response, text } = answer;
    if (response.status === 202) {
      const resource = parseDeferralResource(JSON.parse(text));
      const { pathname, search } = new URL(response.headers.get('Operation-Location') ?? '', address);
      const accepted = { reference, customer, address, statusPath: pathname + search, resource };
      answers.accepted.set(reference, accepted);
      return accepted;
    }
    if (response.ok) {
      answers.done.add(reference);
      return undefined;
    }
    const told = waitFor(response, text);
    if (response.status === 500 && routesMayFail === true) {
      answers.failed += 1;
      await sleep(whileDownMs);
      continue;
    }
    if (told === 'done') {
      answers.doneBefore += 1;
      answers.done.add(reference);
      return undefined;
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

/** What came of sending a request: an answer; or nobody listened, the connection broke, or nothing came in time. */
type Answer =
  | { readonly kind: 'answered'; readonly response: Response; readonly text: string }
  | { readonly kind: 'not sent' | 'cut off' | 'hung' };

async function post(
  url: string,
  customer: string,
  body: object,
  headers: Readonly<Record<string, string>>,
): Promise<Answer> {
  const late = AbortSignal.timeout(answersWithinMs);
  try {
    const response = await fetch(url, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', 'X-Customer': customer, ...headers },
      body: JSON.stringify(body),
      signal: late,
    });
    return { kind: 'answered', response, text: await response.text() };
  } catch (error) {
    if (late.aborted) return { kind: 'hung' };
    const cause = error instanceof Error ? error.cause : undefined;
    const refused = cause instanceof Error && 'code' in cause && cause.code === 'ECONNREFUSED';
    return { kind: refused ? 'not sent' : 'cut off' };
  }
}
