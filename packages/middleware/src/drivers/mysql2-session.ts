import { systemClock } from '../clock.ts';
import { type RequestContext, requestContext } from '../request-context.ts';
import { type BegunCommit, beginCommit, isHeard } from './commit-measurement.ts';
import type { Commit, CommitOutcome } from './driver.ts';
import { inThisContext } from './in-this-context.ts';
import { AbandonedConnection } from './mysql2-abandoned.ts';
import {
  isStatement,
  type Mysql2Command,
  type Mysql2Connection,
  type Mysql2Result,
  resetsSession,
  serverStatus,
  textOf,
} from './mysql2-client.ts';
import { Mysql2Once, type Mysql2OnceObservation } from './mysql2-once.ts';
import { outcomeOfError, rollsBackTransaction } from './mysql2-outcome.ts';
import { runByScript } from './mysql2-script.ts';
import type { Mysql2Effect, Mysql2TextReader } from './mysql2-text.ts';
import { commitOf, follow, type Mysql2SessionState, wroteRows } from './mysql2-transaction.ts';
import { type StatementWatcher, watchStatement, whenFailed, whenSent } from './mysql2-watch.ts';

/** What the sessions of one observed pool have in common. */
export interface Mysql2Observation extends Mysql2OnceObservation {
  readonly reader: Mysql2TextReader;
}

/** One observed connection: follows its transactions by what the server says of them, and publishes those that wrote. */
export class Mysql2Session implements Mysql2SessionState {
  open: Mysql2SessionState['open'];
  autocommit = true;
  readonly once: Mysql2Once;
  readonly #observation: Mysql2Observation;
  readonly #connection: Mysql2Connection;
  readonly #abandoned: AbandonedConnection;
  #running: RunningStatement | undefined;

  constructor(connection: Mysql2Connection, observation: Mysql2Observation) {
    this.#connection = connection;
    this.#observation = observation;
    this.#abandoned = new AbandonedConnection(connection);
    this.once = new Mysql2Once(observation, this, () => this.#abandoned.refused());
  }

  get partition(): string {
    return this.#observation.partition;
  }

  /** A command is being given to the connection. */
  add(command: Mysql2Command): void {
    this.#abandoned.used();
    // Sockets call back in the context of whoever opened them.
    if (typeof command.onResult === 'function') command.onResult = inThisContext(command.onResult);
    if (resetsSession(command)) {
      whenSent(command, () => {
        this.open = undefined;
        this.autocommit = true;
        this.once.ended(false);
      });
      return;
    }
    if (!isStatement(command)) return;
    const text = textOf(command, this.#connection.config);
    const effects = text === undefined ? undefined : this.#observation.reader.read(text);
    const context = requestContext.getStore();
    if (effects === undefined) {
      // What only reads may fail, and take the whole transaction with it.
      if (context?.completion !== undefined) whenFailed(command, (error) => this.failed([], error));
      return;
    }
    const running = new RunningStatement(this, effects, context);
    const { sending } = running;
    watchStatement(command, {
      ...running.watcher,
      sending: () => {
        this.#running = running;
        sending();
      },
    });
    const scope = context?.completion;
    if (context === undefined || scope === undefined) return;
    runByScript(command, this.#connection, () => this.once.run({ effects, scope, context }));
  }

  /** Whether a commit is under way. */
  get isCommitting(): boolean {
    return this.#running?.isCommitting === true || this.once.isCommitting;
  }

  /** A statement of these effects failed; before its caller knows. */
  failed(effects: readonly Mysql2Effect[], error: unknown): void {
    if (rollsBackTransaction(error)) this.open = undefined;
    this.once.failed(effects, this.open !== undefined);
  }

  /** The connection was given back to its pool. */
  released(): void {
    this.#abandoned.used();
  }

  /** The connection is gone: whatever was under way has no answer. */
  lost(): void {
    this.#running?.end('unknown');
    this.#running = undefined;
    this.once.lost();
    this.#abandoned.used();
  }
}

/** A statement that ends or begins a transaction or writes, from its sending to its answer. */
class RunningStatement {
  readonly #session: Mysql2Session;
  readonly #effects: readonly Mysql2Effect[];
  readonly #context: RequestContext | undefined;
  #kind: Commit['kind'] | undefined;
  #commit: BegunCommit | undefined;
  #answers = 0;
  #wrote = false;
  #told = false;
  #flags = 0;
  /** When a CALL was sent, of which only the answer tells whether it wrote. */
  #calledAt: number | undefined;
  #error: unknown;

  constructor(session: Mysql2Session, effects: readonly Mysql2Effect[], context: RequestContext | undefined) {
    this.#session = session;
    this.#effects = effects;
    this.#context = context;
  }

  readonly sending = (): void => {
    const session = this.#session;
    this.#kind = commitOf(this.#effects, session);
    if (this.#effects.includes('call')) this.#calledAt = systemClock.now();
    if (this.#effects.some((effect) => tellsByItself.has(effect))) {
      this.#tell();
    }
    if (this.#kind !== undefined && isHeard()) {
      this.#commit = beginCommit(session.partition, this.#kind, this.#context);
    }
  };

  readonly watcher: Omit<StatementWatcher, 'sending'> = {
    rows: (flags) => {
      // INSERT ... RETURNING gives rows. The flags come twice: behind the columns, and behind the rows.
      if (this.#effect === 'write') this.#noteWrite();
      this.#follow(flags);
    },
    result: (result) => this.#answered(result),
    failed: (error) => {
      if (this.#error !== undefined) return;
      this.#error = error ?? new Error('unknown error');
      this.#session.failed(this.#effects, error);
      this.end(this.#outcomeOfError());
    },
    done: () => {
      this.end(this.#outcome());
      this.#publishCall();
    },
  };

  get isCommitting(): boolean {
    return this.#commit !== undefined;
  }

  end(outcome: CommitOutcome): void {
    this.#commit?.finish(outcome);
    this.#commit = undefined;
  }

  /** Of the statement that is being answered. CALL gives more answers than one: what follows it is guessed. */
  get #effect(): Mysql2Effect {
    return this.#effects[Math.min(this.#answers, this.#effects.length - 1)] ?? 'none';
  }

  #answered(result: Mysql2Result): void {
    const effect = this.#effect;
    if (result.serverStatus !== undefined) this.#follow(result.serverStatus);
    const wrote = (effect !== 'write' && tellsByItself.has(effect)) || wroteRows(result);
    if (wrote && effect !== 'none') this.#noteWrite();
    this.#answers++;
  }

  /** A CALL outside a transaction that wrote has committed that by itself. */
  #publishCall(): void {
    const { open, partition } = this.#session;
    const wasCommitted = this.#kind === undefined && this.#wrote && open === undefined;
    if (this.#calledAt === undefined || !wasCommitted || this.#error !== undefined || !isHeard()) return;
    beginCommit(partition, 'autocommit', this.#context, this.#calledAt).finish('committed');
  }

  #noteWrite(): void {
    this.#wrote = true;
    const { open } = this.#session;
    if (open !== undefined) open.wrote = true;
    this.#tell();
  }

  #follow(flags: number): void {
    this.#flags = flags;
    const { open } = this.#session;
    follow(this.#session, flags, this.#effect);
    if (open !== undefined && this.#session.open !== open) {
      this.#session.once.ended(!this.#effect.startsWith('rollback'));
    }
  }

  /** Tells the request that it writes here, once for each transaction. */
  #tell(): void {
    const { open, partition } = this.#session;
    const isKnown = this.#told || open?.told === true;
    this.#told = true;
    if (open !== undefined) open.told = true;
    if (!isKnown) this.#context?.wrote(partition);
  }

  #outcome(): CommitOutcome {
    if (this.#error !== undefined) return this.#outcomeOfError();
    const [effect] = this.#effects;
    if (this.#effects.length > 1) return 'committed';
    const isStillOpen = (this.#flags & serverStatus.inTransaction) !== 0;
    switch (effect) {
      case 'write':
        // It found nothing to write, or was part of a transaction that the driver had not seen begin.
        return this.#wrote && !isStillOpen ? 'committed' : 'rolledBack';
      case 'autocommit-on':
      case 'end':
        return isStillOpen ? 'rolledBack' : 'committed';
      default:
        return 'committed';
    }
  }

  #outcomeOfError(): CommitOutcome {
    const isOne = this.#effects.length === 1;
    // Of several statements those that were answered stand.
    const before = isOne ? [] : this.#effects.slice(0, this.#answers);
    if (before.length > 0 && this.#committedBefore(before)) return 'committed';
    return outcomeOfError(this.#error, this.#kind === 'autocommit' || !isOne);
  }

  #committedBefore(before: readonly Mysql2Effect[]): boolean {
    return commitOf(before, { open: undefined, autocommit: true }) !== undefined && this.#wrote;
  }
}

const tellsByItself: ReadonlySet<Mysql2Effect> = new Set([
  'write',
  'call-writer',
  'call-procedure',
  'define',
]);
