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
const mostPartitions = 1_000;
/** Of a partition, with a look at each. */
const mostKinds = 16;

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
  /** The highest id of a settled one. ULIDs are in the order of their making: most new ones are beyond it, and need not be looked for. */
  #newestOver = '';
  readonly #rememberSettled: number;
  /** Equal facts are kept once: those of a partition's most recent kinds. */
  readonly #kinds = new Map<string, readonly LifeFacts[]>();
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
    const before = this.#open.get(id) ?? this.#overBefore(id);
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

  #overBefore(id: string): Life | undefined {
    if (id > this.#newestOver) return undefined;
    const packed = this.#over.get(id);
    return packed === undefined ? undefined : unpack(packed);
  }

  #keep(id: string, before: Life | undefined, life: Life): void {
    const { end } = life;
    if (end === undefined) {
      if (before === undefined) this.#open.set(ownText(id), this.#asKept(life));
      else if (before !== life) this.#open.set(id, life);
      return;
    }
    if (before?.end === undefined) {
      this.#counts[end] += 1;
      this.#open.delete(id);
    }
    const own = ownText(id);
    if (own > this.#newestOver) this.#newestOver = own;
    this.#over.set(own, pack(life, end));
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
  #asKept(life: Life): Life {
    const { facts, requester, payload } = life;
    return {
      ...life,
      facts: facts && this.#kindOf(facts),
      requester: ownText(requester),
      payload: payload && ownText(payload),
    };
  }

  #kindOf(facts: LifeFacts): LifeFacts {
    const kinds = this.#kinds.get(facts.partition) ?? [];
    const known = kinds.find((kind) => differingMember(kind, facts) === undefined);
    if (known !== undefined) return known;
    const own = JSON.parse(JSON.stringify(facts)) as LifeFacts;
    if (this.#kinds.size >= mostPartitions) this.#kinds.clear();
    this.#kinds.set(own.partition, [own, ...kinds].slice(0, mostKinds));
    return own;
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
