/**
 * What may happen to a deferral, in the order of the log: `docs/ledger-format.md`, "The life of a deferral". Attempts are made at
 * least once, by hosts that may be slow: what an overtaken one says late is no fault, what no honest host can say is.
 */
import type { EntryType, LedgerEntry } from './entry.ts';

/** What can be wrong with the happenings of a deferral. `docs/reference/errors.md` says what each means. */
export const lifeFaults = [
  'member-missing',
  'never-accepted',
  'accepted-differently',
  'facts-differ',
  'never-begun',
  'never-parked',
  'begun-before-released',
  'begun-after-canceled',
  'performed-twice',
  'settled-otherwise',
] as const;

/** One of {@link lifeFaults}. */
export type LifeFault = (typeof lifeFaults)[number];

/** How a life ended. */
export type LifeEnd = 'performed' | 'failed' | 'canceled';

/** What every entry of a deferral says alike. */
export type LifeFacts = Pick<
  LedgerEntry,
  'application' | 'group' | 'method' | 'partition' | 'route' | 'workType'
>;

/** What is known of a deferral. */
export interface Life {
  /** Undefined where it was accepted twice, with other facts each, or is over: then they are compared no more. */
  readonly facts: LifeFacts | undefined;
  readonly requester: string;
  /** The digest in its `accepted` entry; undefined when it is over. */
  readonly payload: string | undefined;
  /** A part or a compensation that nobody may begin yet. */
  readonly held: boolean;
  /** The highest attempt that any of its entries named. */
  readonly named: number;
  /** The highest attempt that a `performing` entry began. */
  readonly begun: number;
  /** The attempt whose answer stands in a `performed` entry; 0 where there is none. */
  readonly answered: number;
  /** Whether it was ever parked. */
  readonly parked: boolean;
  readonly end: LifeEnd | undefined;
}

/** What an entry comes to. */
export type LifeStep =
  | { readonly fault: LifeFault; readonly message: string }
  /** `late`: it comes when the life is over, or from an attempt that was overtaken, and changes nothing. */
  | { readonly fault?: never; readonly life: Life; readonly late: boolean };

/** The members that an entry of a type can't do without, beside those of all entries. */
const required: Readonly<Partial<Record<EntryType, keyof LedgerEntry>>> = {
  accepted: 'payload',
  postponed: 'postponements',
  performing: 'attempt',
  failed: 'error',
  parked: 'error',
  canceled: 'error',
  redriven: 'by',
  overdue: 'deadlineAt',
};

/** Whether an entry is about a deferral, and not about a work type, a key, or a requester. */
export function isOfLife({ type }: LedgerEntry): boolean {
  return type === 'performed' || type === 'released' || required[type] !== undefined;
}

/** What the next entry of a deferral makes of its life; undefined stands for the life that has not begun. Pure. */
export function judgeLife(life: Life | undefined, entry: LedgerEntry): LifeStep {
  const { type, id } = entry;
  const member = required[type];
  if (member !== undefined && entry[member] === undefined) {
    return fault('member-missing', `${type} of deferral ${id} lacks its member "${member}"`);
  }
  if (type === 'accepted') return judgeAccepted(life, entry);
  if (life === undefined) {
    return fault('never-accepted', `${type} of deferral ${id}, which was never accepted`);
  }
  const differs = differingFact(life, entry);
  if (differs !== undefined) {
    return fault('facts-differ', `${type} of deferral ${id} names another ${differs} than was accepted`);
  }
  return judgeStep(life, entry) ?? lived(life, entry);
}

function judgeAccepted(life: Life | undefined, entry: LedgerEntry): LifeStep {
  const { payload, requester } = entry;
  if (life === undefined) {
    const begun: Life = {
      facts: factsOf(entry),
      requester,
      payload,
      held: entry.parent !== undefined,
      named: 0,
      begun: 0,
      answered: 0,
      parked: false,
      end: undefined,
    };
    return { life: begun, late: false };
  }
  // An acceptance whose fate was unknown, or two that took over one key: one payload record, two entries.
  if (life.payload !== undefined && (life.payload !== payload || life.requester !== requester)) {
    return fault(
      'accepted-differently',
      `deferral ${entry.id} was accepted before, with another payload or for another requester`,
    );
  }
  const same = differingFact(life, entry) === undefined;
  return { life: same ? life : { ...life, facts: undefined }, late: true };
}

/** The fault of a step, where it is one that no honest host takes. */
function judgeStep(life: Life, entry: LedgerEntry): LifeStep | undefined {
  const { type, id, attempt = 0, status } = entry;
  // The route is called when the entry that begins the attempt is durable, and not before.
  if (life.end === undefined && status !== undefined && (attempt === 0 || attempt > life.begun)) {
    return fault(
      'never-begun',
      `${type} of deferral ${id} states an answer of attempt ${attempt}, and no entry begins that attempt`,
    );
  }
  if (type === 'redriven' && !life.parked) {
    return fault('never-parked', `deferral ${id} was redriven, and nothing had parked it`);
  }
  if (life.end === undefined && life.held && type === 'performing') {
    return fault(
      'begun-before-released',
      `attempt ${attempt} of deferral ${id} began before the entry that releases it`,
    );
  }
  if (life.end === 'canceled' && type === 'performing' && attempt > life.named) {
    return fault('begun-after-canceled', `attempt ${attempt} of deferral ${id} began after it was canceled`);
  }
  if (type === 'performed' && (life.end === 'canceled' || life.end === 'failed')) {
    const before = life.end === 'failed' ? 'had failed for good' : 'was canceled';
    return fault('settled-otherwise', `deferral ${id} was performed after it ${before}`);
  }
  if (type === 'canceled' && life.end === 'performed') {
    return fault('settled-otherwise', `deferral ${id} was canceled after it was performed`);
  }
  const isAnswer = type === 'performed' && status !== undefined;
  if (isAnswer && life.answered !== 0 && life.answered !== attempt) {
    return fault(
      'performed-twice',
      `deferral ${id} was performed by attempt ${life.answered} and again by attempt ${attempt}`,
    );
  }
  return undefined;
}

function lived(life: Life, { type, attempt = 0, status, retryAt }: LedgerEntry): LifeStep {
  const late =
    life.end !== undefined || (type === 'released' ? !life.held : isOvertaken(life, type, attempt));
  const ends = type === 'performed' || type === 'canceled' || (type === 'failed' && retryAt === undefined);
  const next: Life = {
    ...life,
    held: life.held && type !== 'released',
    named: Math.max(life.named, attempt),
    begun: type === 'performing' ? Math.max(life.begun, attempt) : life.begun,
    answered: type === 'performed' && status !== undefined && life.answered === 0 ? attempt : life.answered,
    parked: life.parked || type === 'parked',
    end: life.end ?? (ends ? (type as LifeEnd) : undefined),
  };
  // The end of an attempt that was overtaken ends the life all the same.
  return { life: next, late: late && (life.end !== undefined || next.end === undefined) };
}

function isOvertaken({ named, begun }: Life, type: EntryType, attempt: number): boolean {
  return attempt < named || (type === 'performing' && attempt <= begun);
}

function differingFact({ facts, requester, end }: Life, entry: LedgerEntry): string | undefined {
  if (facts === undefined || end !== undefined) return undefined;
  return differingMember(facts, entry) ?? (requester === entry.requester ? undefined : 'requester');
}

/** The first member in which the two differ, where they do. */
export function differingMember(one: LifeFacts, other: LifeFacts): keyof LifeFacts | undefined {
  if (one.method !== other.method) return 'method';
  if (one.route !== other.route) return 'route';
  if (one.workType !== other.workType) return 'workType';
  if (one.partition !== other.partition) return 'partition';
  if (one.application !== other.application) return 'application';
  return one.group === other.group ? undefined : 'group';
}

function factsOf({ application, group, method, partition, route, workType }: LedgerEntry): LifeFacts {
  return { application, group, method, partition, route, workType };
}

function fault(kind: LifeFault, message: string): LifeStep {
  return { fault: kind, message };
}
