import type { LedgerEntry } from './entry.ts';
import {
  differingMember,
  isOfLife,
  judgeLife,
  type Life,
  type LifeEnd,
  type LifeFacts,
  type LifeStep,
} from './life-rules.ts';
import { isCount } from './parameter-error.ts';
import { ownText } from './text.ts';

/** How many settled deferrals are remembered, where nobody says. */
export const defaultRememberSettled = 1_000_000;
const mostKinds = 10_000;

/** What became of the deferrals of a ledger. */
export interface LifeCounts {
  readonly accepted: number;
  readonly performed: number;
  /** For good. */
  readonly failed: number;
  readonly canceled: number;
  /** Those whose life is not over. */
  readonly unsettled: number;
  /** Entries that came late and changed nothing: of overtaken attempts, and such as were recorded twice. */
  readonly late: number;
  /** Entries that were not judged, because what they are about was settled so long ago that it was forgotten. */
  readonly unjudged: number;
}

/**
 * The lives of a ledger's deferrals, entry by entry. Remembers every deferral that is not settled (some 400 bytes each) and the
 * most recently settled ones (some 120 bytes each), as many as it is told.
 */
export class LedgerLives {
  readonly #open = new Map<string, Life>();
  /** Settled ones, the oldest first, each as one number: see {@link pack}. */
  readonly #over = new Map<string, number>();
  readonly #rememberSettled: number;
  /** Equal facts are kept once. */
  readonly #kinds = new Map<string, LifeFacts>();
  #lastKind: LifeFacts | undefined;
  /** ULIDs are in the order of their making: an unknown one beyond this was never known. */
  #forgottenUpTo = '';
  readonly #counts = { accepted: 0, performed: 0, failed: 0, canceled: 0, late: 0, unjudged: 0 };

  /** What is no count stands for the default: a verifier never throws. */
  constructor(rememberSettled?: number) {
    this.#rememberSettled = isCount(rememberSettled) ? rememberSettled : defaultRememberSettled;
  }

  get counts(): LifeCounts {
    return { ...this.#counts, unsettled: this.#open.size };
  }

  /** Takes the next entry. What is wrong with it, if anything is: no entry of that deferral may be given after it. */
  entry(entry: LedgerEntry): Extract<LifeStep, { readonly message: string }> | undefined {
    if (!isOfLife(entry)) return undefined;
    const { id, type } = entry;
    const packed = this.#over.get(id);
    const before = packed === undefined ? this.#open.get(id) : unpack(packed);
    if (before === undefined && type !== 'accepted' && id <= this.#forgottenUpTo) {
      this.#counts.unjudged += 1;
      return undefined;
    }
    const step = judgeLife(before, entry);
    if (step.fault !== undefined) return step;
    if (before === undefined) this.#counts.accepted += 1;
    if (step.late) this.#counts.late += 1;
    this.#keep(id, before, step.life);
    return undefined;
  }

  #keep(id: string, before: Life | undefined, life: Life): void {
    const { end } = life;
    if (end === undefined) {
      if (before === undefined) this.#open.set(ownText(id), this.#withSharedFacts(life));
      else if (before !== life) this.#open.set(id, life);
      return;
    }
    if (before?.end === undefined) {
      this.#counts[end] += 1;
      this.#open.delete(id);
    }
    this.#over.set(ownText(id), pack(life, end));
    if (this.#over.size > this.#rememberSettled) this.#forgetOldest();
  }

  #forgetOldest(): void {
    for (const oldest of this.#over.keys()) {
      this.#over.delete(oldest);
      if (oldest > this.#forgottenUpTo) this.#forgottenUpTo = oldest;
      return;
    }
  }

  /** As it is kept: nothing in it is part of the entry's text. */
  #withSharedFacts(life: Life): Life {
    const { facts, requester, payload } = life;
    const kept = { ...life, requester: ownText(requester), payload: payload && ownText(payload) };
    return facts === undefined ? kept : { ...kept, facts: this.#kindOf(facts) };
  }

  #kindOf(facts: LifeFacts): LifeFacts {
    const last = this.#lastKind;
    if (last !== undefined && differingMember(last, facts) === undefined) return last;
    const text = JSON.stringify(facts);
    const known = this.#kinds.get(text) ?? (JSON.parse(text) as LifeFacts);
    if (this.#kinds.size >= mostKinds) this.#kinds.clear();
    this.#kinds.set(text, known);
    this.#lastKind = known;
    return known;
  }
}

const ends: readonly LifeEnd[] = ['performed', 'failed', 'canceled'];
const attemptsLimit = 2 ** 24;

/** The end, the highest attempt and the one that was answered, in 50 bits. */
function pack({ named, answered }: Life, end: LifeEnd): number {
  const [a, b] = [Math.min(named, attemptsLimit - 1), Math.min(answered, attemptsLimit - 1)];
  return (ends.indexOf(end) * attemptsLimit + a) * attemptsLimit + b;
}

function unpack(packed: number): Life {
  const rest = Math.floor(packed / attemptsLimit);
  const named = rest % attemptsLimit;
  const end = ends[Math.floor(rest / attemptsLimit)];
  const answered = packed % attemptsLimit;
  // Whether it was parked is not remembered of it: what says so once it is over changes nothing.
  const past = { facts: undefined, requester: '', payload: undefined, held: false, parked: true };
  return { ...past, named, begun: named, answered, end };
}
