import { errorMonitor } from 'node:events';
import type { Mysql2Command, Mysql2Connection, Mysql2Packet, Mysql2Result } from './mysql2-client.ts';

/** A statement of the driver's own, without rows. */
export interface OwnStatement {
  readonly sql: string;
  /** It goes to the server now. */
  readonly sending?: (() => void) | undefined;
}

/** How a statement ended. */
export interface StatementEnd {
  /** Undefined where it succeeded. */
  readonly error: unknown;
  /** What the server said of one of the driver's own; undefined of others. */
  readonly result: Mysql2Result | undefined;
}

/** The application's statement within its script. One that failed has told its caller so. */
export const theStatement: unique symbol = Symbol('the statement');

/**
 * What is run in place of one statement of the application's: statements of the driver's own, and {@link theStatement}, one after
 * the other's end. Its caller is answered when the script returns: with its own result, or the error that the script returns. A
 * script that does not run it at all returns an error.
 */
export type StatementScript = Generator<OwnStatement | typeof theStatement, unknown, StatementEnd>;

/** Parts of a command that mysql2 calls while it is answered. */
interface Answered extends Mysql2Command {
  done?: (() => unknown) | undefined;
}

interface Running {
  /** Takes a packet in; true where that was the last. */
  feed(packet: Mysql2Packet | undefined): boolean;
  end(): StatementEnd;
}

/**
 * Runs a command of the application's by a script, all of it as the one command that its connection knows of: so whatever is queued
 * behind it waits for the end of the script. To be called after everybody else has put themselves into the command.
 */
export function runByScript(
  command: Mysql2Command,
  connection: Mysql2Connection,
  script: () => StatementScript,
): void {
  const { execute } = command;
  if (execute === undefined) return;
  const held = hold(command);
  let steps: StatementScript | undefined;
  let running: Running | undefined;
  let hasFailed = false;

  const statement: Running = {
    feed: (packet) => {
      const isDone = execute.call(command, packet, connection);
      hasFailed = isDone;
      return isDone || held.isHeld();
    },
    end: () => ({ error: held.isHeld() ? undefined : held.error(), result: undefined }),
  };

  command.execute = (packet, given) => {
    // A prepared statement that the server refused to prepare has told its caller so.
    if (wasNotPrepared(command)) return execute.call(command, packet, given);
    let next = packet;
    let ended: StatementEnd = { error: undefined, result: undefined };
    for (;;) {
      if (running !== undefined) {
        if (!running.feed(next)) return false;
        ended = running.end();
        running = undefined;
        next = undefined;
      }
      steps ??= script();
      const step = steps.next(ended);
      if (step.done !== true) {
        running = step.value === theStatement ? statement : ownStatement(connection, step.value);
        continue;
      }
      if (hasFailed) return true;
      return execute.call(command, step.value === undefined ? undefined : errorPacket(step.value), given);
    }
  };
}

/** Keeps a command's answer back, once it is there as a whole. It is given when the command is executed on. */
function hold(command: Answered): { isHeld(): boolean; error(): unknown } {
  const { done, onResult } = command;
  let isHeld = false;
  let error: unknown;
  command.done = () => {
    isHeld = true;
    // The state that the command is in until it is executed on.
    return () => done?.call(command);
  };
  if (typeof onResult === 'function') {
    command.onResult = (...args) => {
      error ??= args[0];
      return onResult(...args);
    };
  } else {
    // One that nobody listens to stays so.
    command.on(errorMonitor, (given) => {
      error ??= given;
    });
  }
  return { isHeld: () => isHeld, error: () => error ?? new Error('It was not sent.') };
}

/** Starts a statement of the driver's own within a command of the application's. */
function ownStatement(connection: Mysql2Connection, { sql, sending }: OwnStatement): Running {
  let error: unknown;
  let result: Mysql2Result | undefined;
  const { createQuery } = connection.constructor as unknown as {
    createQuery: (
      sql: object,
      callback: (error: unknown) => void,
      none: undefined,
      config: object,
    ) => Answered;
  };
  const query = createQuery(
    { sql },
    (given) => {
      error = given;
    },
    undefined,
    connection.config,
  );
  query.doneInsert = (given) => {
    result = given ?? undefined;
    return null;
  };
  let isSent = false;
  return {
    feed(packet) {
      if (!isSent) sending?.();
      isSent = true;
      return query.execute?.(packet, connection) ?? true;
    },
    end: () => ({ error, result }),
  };
}

/** What mysql2 takes for the server's refusal. */
function errorPacket(error: unknown): Mysql2Packet {
  const packet = { isError: () => true, isEOF: () => false, asError: () => error };
  return packet as unknown as Mysql2Packet;
}

function wasNotPrepared(command: Mysql2Command): boolean {
  return 'statement' in command && command.statement === undefined;
}
