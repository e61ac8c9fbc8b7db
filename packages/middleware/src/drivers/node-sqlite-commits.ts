import { systemClock } from '../clock.ts';
import { type RequestContext, requestContext } from '../request-context.ts';
import { type Commit, type CommitOutcome, commitFinished, commitStarted } from './driver.ts';
import type { SqliteState } from './node-sqlite-state.ts';
import type { SqliteText } from './node-sqlite-text.ts';

/** One call under way. */
export interface SqliteCall {
  readonly text: SqliteText;
  readonly context: RequestContext | undefined;
  readonly startedAt: number;
  readonly wasInTransaction: boolean;
  readonly changesBefore: number;
}

/** The transaction that is open. */
interface OpenTransaction {
  readonly changesBefore: number;
  wroteUncounted: boolean;
  /** The request was told that it writes here. */
  told: boolean;
}

/** Error codes of SQLite that say something of the database's speed or health: BUSY, LOCKED, IOERR, FULL. */
const troubles: ReadonlySet<number> = new Set([5, 6, 10, 13]);
/** What SQLite answers to the RELEASE of a savepoint that does not exist. */
const unknownSavepoint = 1;

/** Tells from what SQLite says before and after each call which of them were commits that wrote, and publishes those. */
export class SqliteCommits {
  readonly #partition: string;
  readonly #state: SqliteState;
  #open: OpenTransaction | undefined;

  constructor(partition: string, state: SqliteState) {
    this.#partition = partition;
    this.#state = state;
  }

  /** Before the call. Undefined where nothing can be known of it. */
  begin(text: SqliteText): SqliteCall | undefined {
    const inTransaction = this.#state.isInTransaction();
    if (inTransaction === undefined) return undefined;
    const changes = (inTransaction ? this.#open?.changesBefore : undefined) ?? this.#state.changes();
    // One that was begun out of sight counts from here.
    this.#open = inTransaction ? (this.#open ?? opened(changes)) : undefined;
    const context = requestContext.getStore();
    if (text.writes && this.#open?.told !== true) {
      context?.wrote(this.#partition);
      if (this.#open !== undefined) this.#open.told = true;
    }
    return {
      text,
      context,
      startedAt: systemClock.now(),
      wasInTransaction: inTransaction,
      changesBefore: changes,
    };
  }

  /** After the call. `error` is what it threw, undefined where it did not. */
  end(call: SqliteCall, durationMs: number, error: unknown): void {
    const inTransaction = this.#state.isInTransaction();
    if (inTransaction === undefined) return;
    const { text } = call;
    const transaction = this.#open;
    const told = transaction?.told === true || text.writes;
    const kind = kindOf(call, inTransaction, error);
    const outcome = kind === undefined || error === undefined ? 'committed' : refusalOf(call, kind, error);
    const hasCommitted = kind === 'explicit' && error === undefined;

    if (!inTransaction) this.#open = undefined;
    else if (transaction === undefined) this.#open = opened(call.changesBefore, text);
    else if (hasCommitted) this.#open = opened(this.#state.changes());
    else if (error === undefined) transaction.wroteUncounted ||= text.writesUncounted;

    if (kind === undefined || outcome === undefined) return;
    const wrote =
      text.writesUncounted ||
      transaction?.wroteUncounted === true ||
      this.#state.changes() > (transaction ?? call).changesBefore;
    // What was refused before it wrote shows by its words alone.
    const meantToWrite = error !== undefined && text.writes;
    if (!wrote && !meantToWrite) return;
    if (!told) call.context?.wrote(this.#partition);
    this.#publish(call, kind, durationMs, outcome);
  }

  #publish(
    { context, startedAt }: SqliteCall,
    kind: Commit['kind'],
    durationMs: number,
    outcome: CommitOutcome,
  ): void {
    const commit: Commit = {
      partition: this.#partition,
      kind,
      startedAt,
      context,
      durationMs: 0,
      outcome: undefined,
    };
    commitStarted.publish(commit);
    commit.durationMs = durationMs;
    commit.outcome = outcome;
    commitFinished.publish(commit);
  }
}

/** Which kind of commit a call was, or tried to be; undefined where it was none. */
function kindOf(
  { text, wasInTransaction }: SqliteCall,
  isInTransaction: boolean,
  error: unknown,
): Commit['kind'] | undefined {
  const begun = wasInTransaction || text.begins;
  switch (text.ends) {
    case 'commit':
      return begun ? 'explicit' : undefined;
    case 'release':
      // That of an inner savepoint leaves the transaction open.
      return begun && (error !== undefined || !isInTransaction) ? 'explicit' : undefined;
    case 'rollback':
      return undefined;
    case undefined:
      return begun || isInTransaction ? undefined : 'autocommit';
    default:
      return text.ends satisfies never;
  }
}

/** How a commit ended that threw; undefined where SQLite was not asked to commit. */
function refusalOf({ text }: SqliteCall, kind: Commit['kind'], error: unknown): CommitOutcome | undefined {
  const { errcode } = error as { readonly errcode?: unknown };
  if (typeof errcode !== 'number') return undefined;
  const code = errcode & 0xff;
  if (troubles.has(code)) return 'failed';
  if (kind === 'autocommit' || text.several) return 'rolledBack';
  return text.ends === 'release' && code === unknownSavepoint ? undefined : 'failed';
}

function opened(changesBefore: number, text?: SqliteText): OpenTransaction {
  return { changesBefore, wroteUncounted: text?.writesUncounted === true, told: text?.writes === true };
}
