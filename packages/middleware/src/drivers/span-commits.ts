import { systemClock } from '../clock.ts';
import { type RequestContext, requestContext } from '../request-context.ts';
import { type Commit, type CommitOutcome, commitFinished, commitStarted } from './driver.ts';
import { type PgStatement, StatementReader } from './pg-statement.ts';
import { callOf, type DatabaseSpan, durationOf, placeOf, type SpanCall, statementOf } from './span.ts';
import { type SpanTransaction, SpanTransactions } from './span-transactions.ts';

/** Of spans under way beyond these the oldest are not followed any more: they were probably never ended. */
const mostUnderWay = 10_000;

/** Where a write that is no part of a transaction is one by itself. */
const sqlSystems = new Set(
  `postgresql mysql mariadb sqlite cockroachdb mssql microsoft.sql_server oracle oracle.db db2 ibm.db2 other_sql
   redshift aws.redshift spanner gcp.spanner firebirdsql derby h2 hsqldb`.split(/\s+/),
);

/** A database call under way. */
interface SpanUnderWay {
  readonly span: string;
  readonly trace: string;
  readonly parent: string | undefined;
  readonly call: SpanCall;
  readonly context: RequestContext | undefined;
  readonly startedAt: number;
  /** As far as it was known when it began; the statement may be told later. */
  statement: PgStatement;
  transaction: SpanTransaction | undefined;
  commit: Commit | undefined;
}

/** Tells from the spans of database calls which of them are commits that wrote, and publishes those. */
export class SpanCommits {
  readonly #partitionOf: (call: SpanCall) => string | undefined;
  readonly #reader = new StatementReader([]);
  readonly #transactions = new SpanTransactions();
  readonly #underWay = new Map<string, SpanUnderWay>();
  /** Traces that have no other root than a database call. */
  readonly #rootless = new RecentNames(mostUnderWay);

  constructor(partitionOf: (call: SpanCall) => string | undefined) {
    this.#partitionOf = partitionOf;
  }

  start(span: DatabaseSpan): void {
    const call = callOf(span);
    if (call === undefined) return;
    const place = placeOf(span);
    // An ORM's span around the client's: one call.
    if (place.parent !== undefined && this.#underWay.has(place.parent)) return;
    if (place.parent === undefined) this.#rootless.add(place.trace);
    const under: SpanUnderWay = {
      ...place,
      call,
      context: requestContext.getStore(),
      startedAt: systemClock.now(),
      statement: this.#read(span),
      transaction: undefined,
      commit: undefined,
    };
    this.#underWay.set(place.span, under);
    if (this.#underWay.size > mostUnderWay) this.#giveUpOldest();
    this.#begin(under);
  }

  end(span: DatabaseSpan): void {
    const { span: id } = placeOf(span);
    const under = this.#underWay.get(id);
    if (under === undefined) return;
    this.#underWay.delete(id);
    const endedAt = systemClock.now();
    const durationMs = durationOf(span) ?? endedAt - under.startedAt;
    const failed = span.status.code === 2;
    // Instrumentations may tell the statement only after they have begun the span.
    const known = this.#read(span);
    if (known !== under.statement) {
      this.#takeBack(under);
      under.statement = known;
      if (under.commit === undefined) this.#begin(under, endedAt - durationMs);
    }
    if (under.commit !== undefined) this.#finish(under.commit, durationMs, outcomeOf(under, span, failed));
    this.#settle(under, failed, /^\s*rollback/i.test(statementOf(span)));
  }

  /** Those under way can't be told of any more. */
  close(): void {
    while (this.#underWay.size > 0) this.#giveUpOldest();
    this.#transactions.clear();
    this.#rootless.clear();
  }

  /** It says nothing, and a start needs its finish. */
  #giveUpOldest(): void {
    const [oldest] = this.#underWay.values();
    if (oldest === undefined) return;
    const { span, commit } = oldest;
    this.#underWay.delete(span);
    if (commit !== undefined) this.#finish(commit, systemClock.now() - commit.startedAt, 'rolledBack');
  }

  #begin(under: SpanUnderWay, startedAt = under.startedAt): void {
    const { statement, trace, parent, call } = under;
    if (statement.plain && !statement.commits) {
      under.transaction = this.#transactions.find(trace, parent);
      return;
    }
    if (statement.commits) {
      under.transaction = this.#transactions.find(trace, parent);
      // Of one whose BEGIN was not seen it is not known whether it wrote.
      const wrote = statement.writes || under.transaction === undefined || under.transaction.wrote;
      if (wrote) this.#publish(under, 'explicit', startedAt);
      return;
    }
    if (statement.begins) {
      if (!this.#rootless.has(trace)) under.transaction = this.#transactions.begin(trace, parent);
      return;
    }
    under.transaction = this.#transactions.find(trace, parent);
    if (!statement.writes) return;
    if (under.transaction !== undefined) {
      if (!under.transaction.wrote) this.#tell(under);
      under.transaction.wrote = true;
      // In a trace that has nothing but database calls, its BEGIN, if there was one, is in another trace.
    } else if (!this.#rootless.has(trace) && sqlSystems.has(call.system)) {
      this.#publish(under, 'autocommit', startedAt);
    }
  }

  #takeBack({ statement, trace, transaction }: SpanUnderWay): void {
    if (statement.begins && transaction !== undefined) this.#transactions.end(trace, transaction);
  }

  #settle({ statement, transaction, trace, call }: SpanUnderWay, failed: boolean, rollsBack: boolean): void {
    if (transaction === undefined) return;
    const over = statement.leaves === 'closed' || (statement.begins && failed);
    if (over) this.#transactions.end(trace, transaction);
    else if (statement.commits) transaction.wrote = false;
    else if (failed && call.system === 'postgresql') transaction.aborted = true;
    else if (rollsBack) transaction.aborted = false;
  }

  #publish(under: SpanUnderWay, kind: Commit['kind'], startedAt: number): void {
    const partition = this.#partitionOf(under.call);
    if (partition === undefined) return;
    const { context } = under;
    if (under.transaction?.wrote !== true) context?.wrote(partition);
    under.commit = { partition, kind, startedAt, context, durationMs: 0, outcome: undefined };
    commitStarted.publish(under.commit);
  }

  #tell({ call, context }: SpanUnderWay): void {
    if (context === undefined) return;
    const partition = this.#partitionOf(call);
    if (partition !== undefined) context.wrote(partition);
  }

  #finish(commit: Commit, durationMs: number, outcome: CommitOutcome): void {
    commit.durationMs = durationMs;
    commit.outcome = outcome;
    commitFinished.publish(commit);
  }

  #read(span: DatabaseSpan): PgStatement {
    const text = statementOf(span);
    // MongoDB's names for the two.
    if (text === 'commitTransaction') return this.#reader.read('COMMIT');
    return this.#reader.read(text === 'abortTransaction' ? 'ROLLBACK' : text);
  }
}

/** Names, the most recent ones. */
class RecentNames {
  readonly #most: number;
  readonly #names = new Set<string>();

  constructor(most: number) {
    this.#most = most;
  }

  add(name: string): void {
    this.#names.add(name);
    if (this.#names.size <= this.#most) return;
    const [oldest] = this.#names;
    if (oldest !== undefined) this.#names.delete(oldest);
  }

  has(name: string): boolean {
    return this.#names.has(name);
  }

  clear(): void {
    this.#names.clear();
  }
}

function outcomeOf(under: SpanUnderWay, { attributes }: DatabaseSpan, failed: boolean): CommitOutcome {
  if (!failed) return under.transaction?.aborted === true ? 'rolledBack' : 'committed';
  const code = attributes['db.response.status_code'];
  const alone = under.commit?.kind === 'autocommit';
  // Of a statement that commits by itself, only running out of time says something of the database's speed.
  return alone && typeof code === 'string' && code !== '57014' && code !== '55P03' ? 'rolledBack' : 'failed';
}
