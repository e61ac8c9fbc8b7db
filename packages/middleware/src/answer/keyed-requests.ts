import { createProblem, headerNames, type ProblemCode, parseIdempotencyKey } from '@slackwater/shared';
import type { Request } from 'express';
import { inTime } from '../in-time.ts';
import type { Ledger } from '../ledger/open-ledger.ts';
import type { GateParts, Recorder, Recorders } from './gate-parts.ts';
import { ledgerTrouble } from './ledger-trouble.ts';
import type { OtherGroups } from './other-groups.ts';
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
  | {
      readonly kind: 'deferred-before';
      readonly key: string;
      readonly partition: string;
      /** Where: the group that first took the key has it, whatever is said of the request now. */
      readonly at: Recorder;
    }
  /** Not seen before; `release` when its request has ended. */
  | {
      readonly kind: 'new';
      readonly key: string;
      /** Of its completion rows; undefined where the ledger can't be asked for it. */
      readonly completionKey: string | undefined;
      /** What it would be in the other groups, as far as they can be asked. */
      readonly foreignKeys: readonly string[];
      readonly release: () => void;
    };

const unkeyed: KeyedState = { kind: 'unkeyed' };

/** Keeps requests with the same Idempotency-Key apart, as far as this process goes; the database does beyond it. */
export class KeyedRequests {
  readonly #trouble: GateParts['trouble'];
  readonly #warn: GateParts['warn'];
  readonly #others: OtherGroups;
  readonly #performing = new Set<string>();

  constructor({ trouble, warn }: Pick<GateParts, 'trouble' | 'warn'>, others: OtherGroups) {
    this.#trouble = trouble;
    this.#warn = warn;
    this.#others = others;
  }

  /** Looks at a request's key. Never rejects: trouble of the ledger's leaves the database to keep repetitions apart. */
  async look(
    recorder: Recorder,
    others: readonly Recorder[],
    req: Request,
    requester: string | undefined,
  ): Promise<KeyedState> {
    const header = req.headers['idempotency-key'];
    if (header === undefined) return unkeyed;
    const key = parseIdempotencyKey(header);
    if (key === undefined) return invalid;
    if (requester === undefined) return unkeyed;
    const { method, originalUrl: url } = req;
    // Whatever groups they are said to belong to: a request and its repetition are never performed at once.
    const name = JSON.stringify([requester, method, url.split(/[?#]/, 1)[0], key]);
    if (this.#performing.has(name)) return inUse;
    this.#performing.add(name);
    const release = (): void => void this.#performing.delete(name);
    const keyed = { requester, method, url, idempotencyKey: key };
    const completionKey = await this.#completionKey(recorder, keyed);
    const before =
      (completionKey && (await this.#findIn(recorder, keyed))) || (await this.#findElsewhere(others, keyed));
    if (before !== undefined) {
      release();
      return { kind: 'deferred-before', key, ...before };
    }
    const foreignKeys = await this.#foreignKeys(others, keyed);
    return { kind: 'new', key, completionKey, foreignKeys, release };
  }

  async #completionKey(recorder: Recorder, keyed: Keyed): Promise<string | undefined> {
    try {
      return (await recorder.ledger()).completionKey(keyed);
    } catch (error) {
      this.#trouble('opening the ledger', error);
      return undefined;
    }
  }

  async #findIn(at: Recorder, keyed: Keyed): Promise<FoundBefore | undefined> {
    try {
      const before = await findKeyed(await at.ledger(), keyed);
      return before && { at, partition: before.partition };
    } catch (error) {
      // Whether it was deferred is not known; should it have been, the completion row lets one of the two do the work.
      this.#trouble(`looking up an Idempotency-Key (${ledgerTrouble(error)})`, error);
      return undefined;
    }
  }

  async #findElsewhere(others: readonly Recorder[], keyed: Keyed): Promise<FoundBefore | undefined> {
    if (others.length === 0) return undefined;
    const doing = 'looking up an Idempotency-Key';
    const elsewhere = await this.#others.firstOf(others, doing, (ledger) => findKeyed(ledger, keyed));
    if (elsewhere === undefined) return undefined;
    this.#warn('group-differs', groupDiffers('Idempotency-Key'));
    return { at: elsewhere.at, partition: elsewhere.found.partition };
  }

  async #foreignKeys(others: readonly Recorder[], keyed: Keyed): Promise<readonly string[]> {
    const keys: string[] = [];
    if (others.length === 0) return keys;
    await this.#others.firstOf(others, 'asking for a completion key', async (ledger) => {
      keys.push(ledger.completionKey(keyed));
      return undefined;
    });
    return keys;
  }
}

type Keyed = Parameters<Ledger['completionKey']>[0];
type FoundBefore = { readonly at: Recorder; readonly partition: string };

function findKeyed(
  ledger: Ledger,
  { requester, method, url, idempotencyKey }: Keyed,
): ReturnType<Ledger['findByKey']> {
  return ledger.findByKey(requester, method, url, idempotencyKey);
}

/** What is warned of where groupFor changed its mind. */
export function groupDiffers(what: 'Idempotency-Key' | 'order key'): string {
  return `groupFor gave one ${what} two groups: it must give the same group for all requests of one key. The event decision tells which group a deferral is in.`;
}

/** What was done of a keyed request before. */
export type DoneBefore =
  /** Nothing, or what may be repeated: its first transaction gets that ordinal. */
  | { readonly kind: 'to-do'; readonly firstOrdinal: number }
  | { readonly kind: 'done' }
  /** Some of the transactions that its route takes. */
  | { readonly kind: 'interrupted' };

/**
 * Whether a keyed request that a route performed is known by its key afterwards: it writes where there are completion rows, and was seen to
 * write. Never rejects.
 */
export async function keepsKeys(
  { transactions, trouble }: Pick<GateParts, 'transactions' | 'trouble'>,
  { completionsOf }: Pick<Recorders, 'completionsOf'>,
  { partitions, method, route, path }: RequestFacts,
): Promise<boolean> {
  const all = partitions.map(completionsOf);
  if (all.length === 0 || all.some((one) => one === undefined || one === 'none')) return false;
  try {
    return ((await transactions()?.known(method, route ?? path)) ?? 0) > 0;
  } catch (error) {
    trouble('asking how many transactions a route takes', error);
    return false;
  }
}

/** Looks what was done of a keyed request. Rejects where the database, or the ledger, can't be asked in time. */
export async function doneBefore(
  { clock, options, transactions }: Pick<GateParts, 'clock' | 'options' | 'transactions'>,
  { completionsOf }: Pick<Recorders, 'completionsOf'>,
  { partitions, method, route, path, workType }: RequestFacts,
  completionKey: string,
  foreignKeys: readonly string[] = [],
): Promise<DoneBefore> {
  const asked = partitions.map(async (partition) => {
    const completions = completionsOf(partition);
    if (completions === undefined || completions === 'none') return [];
    return Promise.all([completionKey, ...foreignKeys].map((key) => completions.find(key)));
  });
  const { engineTimeoutMs } = options.ledger;
  const answers = inTime(clock, engineTimeoutMs, 'Asking for completion rows', Promise.all(asked));
  const [own = [], ...foreign] = transposed(await answers, 1 + foreignKeys.length);
  // Under another group's key it was begun in another name: nobody can go on with it here.
  if (foreign.some((found) => found.length > 0)) return { kind: 'done' };
  const rows = own;
  if (rows.length === 0) return { kind: 'to-do', firstOrdinal: 0 };
  const known = (await transactions()?.known(method, route ?? path)) ?? 1;
  if (rows.some(({ tombstone }) => tombstone) || known === 1) return { kind: 'done' };
  // As a deferral is judged whose attempt was cut off: rows of several attempts add up, so that their number says nothing.
  if (workType.repeatable) {
    return { kind: 'to-do', firstOrdinal: 1 + Math.max(...rows.map(({ ordinal }) => ordinal)) };
  }
  return { kind: rows.length < known ? 'interrupted' : 'done' };
}

/**
 * Whether something of a keyed request was done under the key that it has in another group. Never rejects: where the database can't
 * be asked, its group is believed to be the one that it always had.
 */
export async function wasDoneElsewhere(
  parts: Parameters<typeof doneBefore>[0] & Pick<GateParts, 'trouble'>,
  recorders: Pick<Recorders, 'completionsOf'>,
  facts: RequestFacts,
  foreignKeys: readonly string[],
): Promise<boolean> {
  const [first, ...others] = foreignKeys;
  if (first === undefined) return false;
  try {
    return (await doneBefore(parts, recorders, facts, first, others)).kind !== 'to-do';
  } catch (error) {
    parts.trouble('asking for completion rows under the keys of other groups', error);
    return false;
  }
}

/** The rows by key, of all partitions together. */
function transposed<Row>(byPartition: readonly (readonly (readonly Row[])[])[], keys: number): Row[][] {
  return Array.from({ length: keys }, (_, at) => byPartition.flatMap((byKey) => byKey[at] ?? []));
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
