import { createProblem, headerNames, type ProblemCode, parseIdempotencyKey } from '@slackwater/shared';
import type { Request } from 'express';
import type { GateParts, Recorder } from './gate-parts.ts';
import { inTime } from './in-time.ts';
import { ledgerTrouble } from './ledger-trouble.ts';
import type { RequestFacts } from './request-facts.ts';

/** Lets the next request with the key of one that has ended. */
export function release(keyed: KeyedState): void {
  if (keyed.kind === 'new') keyed.release();
}

/** What an Idempotency-Key says about a request on a route that may be deferred. */
export type KeyedState =
  /** None was given, or nobody is known to whom it would belong. */
  | { readonly kind: 'unkeyed' }
  | { readonly kind: 'refused'; readonly code: ProblemCode; readonly detail: string }
  /** The key made a deferral before. */
  | { readonly kind: 'deferred-before'; readonly key: string; readonly partition: string }
  /** Not seen before; `release` when its request has ended. */
  | {
      readonly kind: 'new';
      readonly key: string;
      /** Of its completion rows; undefined where the ledger can't be asked for it. */
      readonly completionKey: string | undefined;
      readonly release: () => void;
    };

const unkeyed: KeyedState = { kind: 'unkeyed' };

/** Keeps requests with the same Idempotency-Key apart, as far as this process goes; the database does beyond it. */
export class KeyedRequests {
  readonly #performing = new Set<string>();

  /** Looks at a request's key. Never rejects: trouble of the ledger's leaves the database to keep repetitions apart. */
  async look(
    parts: Pick<GateParts, 'trouble'>,
    recorder: Recorder,
    req: Request,
    requester: string | undefined,
  ): Promise<KeyedState> {
    const header = req.headers['idempotency-key'];
    if (header === undefined) return unkeyed;
    const key = parseIdempotencyKey(header);
    if (key === undefined) return invalid;
    if (requester === undefined) return unkeyed;
    const { method, originalUrl: url } = req;
    try {
      const ledger = await recorder.ledger();
      const completionKey = ledger.completionKey({ requester, method, url, idempotencyKey: key });
      if (this.#performing.has(completionKey)) return inUse;
      this.#performing.add(completionKey);
      const release = (): void => void this.#performing.delete(completionKey);
      try {
        const before = await ledger.findByKey(requester, method, url, key);
        if (before === undefined) return { kind: 'new', key, completionKey, release };
        release();
        return { kind: 'deferred-before', key, partition: before.partition };
      } catch (error) {
        // Whether it was deferred is not known; should it have been, the completion row lets one of the two do the work.
        parts.trouble(`looking up an Idempotency-Key (${ledgerTrouble(error)})`, error);
        return { kind: 'new', key, completionKey, release };
      }
    } catch (error) {
      parts.trouble('opening the ledger', error);
      return { kind: 'new', key, completionKey: undefined, release: () => {} };
    }
  }
}

/** Whether the work of a keyed request has been done. Rejects where the database can't be asked in time. */
export async function isDone(
  parts: Pick<GateParts, 'clock' | 'options'>,
  recorder: Recorder,
  facts: Pick<RequestFacts, 'partitions'>,
  completionKey: string,
): Promise<boolean> {
  const { engineTimeoutMs } = parts.options.ledger;
  const asked = facts.partitions.map(async (partition) => {
    const completions = recorder.completionsOf(partition);
    if (completions === undefined || completions === 'none') return false;
    return (await completions.find(completionKey)).length > 0;
  });
  const answers = await inTime(
    parts.clock,
    engineTimeoutMs,
    'Asking for completion rows',
    Promise.all(asked),
  );
  return answers.includes(true);
}

const invalid: KeyedState = {
  kind: 'refused',
  code: 'idempotency-key-invalid',
  detail: `${headerNames.idempotencyKey} must be one string of 1 to 255 printable ASCII characters, in double quotes.`,
};

const inUse: KeyedState = {
  kind: 'refused',
  code: 'idempotency-key-in-use',
  detail: 'A request with this Idempotency-Key is being performed. Ask again when it has ended.',
};

/** The problem of a keyed request whose work is done and whose answer nobody kept. */
export const alreadyPerformed = createProblem(
  'already-performed',
  'A request with this Idempotency-Key was performed. Its answer was given then and is not kept.',
);
