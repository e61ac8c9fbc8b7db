import { createProblem, headerNames, type ProblemCode, parseIdempotencyKey } from '@slackwater/shared';
import type { Request } from 'express';
import { inTime } from '../in-time.ts';
import type { GateParts, Recorder } from './gate-parts.ts';
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

/** What was done of a keyed request before. */
export type DoneBefore =
  /** Nothing, or what may be repeated: its first transaction gets that ordinal. */
  | { readonly kind: 'to-do'; readonly firstOrdinal: number }
  | { readonly kind: 'done' }
  /** Some of the transactions that its route takes. */
  | { readonly kind: 'interrupted' };

/** Looks what was done of a keyed request. Rejects where the database, or the ledger, can't be asked in time. */
export async function doneBefore(
  { clock, options, transactions }: Pick<GateParts, 'clock' | 'options' | 'transactions'>,
  recorder: Recorder,
  { partitions, method, route, path, workType }: RequestFacts,
  completionKey: string,
): Promise<DoneBefore> {
  const asked = partitions.map(async (partition) => {
    const completions = recorder.completionsOf(partition);
    return completions === undefined || completions === 'none' ? [] : completions.find(completionKey);
  });
  const { engineTimeoutMs } = options.ledger;
  const answers = inTime(clock, engineTimeoutMs, 'Asking for completion rows', Promise.all(asked));
  const rows = (await answers).flat();
  if (rows.length === 0) return { kind: 'to-do', firstOrdinal: 0 };
  const known = (await transactions()?.known(method, route ?? path)) ?? 1;
  if (rows.some(({ tombstone }) => tombstone) || known === 1) return { kind: 'done' };
  // As a deferral is judged whose attempt was cut off: rows of several attempts add up, so that their number says nothing.
  if (workType.repeatable) {
    return { kind: 'to-do', firstOrdinal: 1 + Math.max(...rows.map(({ ordinal }) => ordinal)) };
  }
  return { kind: rows.length < known ? 'interrupted' : 'done' };
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

/** The problem of a keyed request of whose transactions some are done, and that may not be repeated. */
export const interrupted = createProblem(
  'interrupted-between-transactions',
  'A request with this Idempotency-Key was cut off: some of its transactions are done. It is not repeated by itself.',
);

/** The problem of a keyed request whose work is done and whose answer nobody kept. */
export const alreadyPerformed = createProblem(
  'already-performed',
  'A request with this Idempotency-Key was performed. Its answer was given then and is not kept.',
);
