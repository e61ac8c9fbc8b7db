import { errorMonitor } from 'node:events';
import type { Mysql2Command, Mysql2Result } from './mysql2-client.ts';

/** What is to be known of a statement. */
export interface StatementWatcher {
  /** It goes to the server now. */
  sending(): void;
  /** The server's flags at the end of rows; its word on the transaction. */
  rows(flags: number): void;
  /** It was answered without rows. Once for each statement of a text. */
  result(result: Mysql2Result): void;
  /** Whoever called it is told this error; where it is mysql2's own, the server's answer may follow. */
  failed(error: unknown): void;
  /** The server has answered all of it, or it was not sent. Before its callback is called. */
  done(): void;
}

/** Watches a statement through the methods that mysql2 calls on it. */
export function watchStatement(command: Mysql2Command, watcher: StatementWatcher): void {
  const { start, execute, doneInsert } = command;
  if (start === undefined || execute === undefined || doneInsert === undefined) return;
  whenSent(command, () => watcher.sending());
  command.execute = (packet, connection) => {
    if (packet?.isEOF() === true) watcher.rows(packet.eofStatusFlags());
    const isDone = execute.call(command, packet, connection);
    if (isDone) watcher.done();
    return isDone;
  };
  command.doneInsert = (result) => {
    if (result !== null && result !== undefined) watcher.result(result);
    return doneInsert.call(command, result);
  };
  whenFailed(command, (error) => watcher.failed(error));
}

/** Calls `failed` with the error that a command's caller is told, before that. */
export function whenFailed(command: Mysql2Command, failed: (error: unknown) => void): void {
  const { onResult } = command;
  if (typeof onResult === 'function') {
    command.onResult = (error, ...rest) => {
      if (error) failed(error);
      return onResult(error, ...rest);
    };
  } else {
    // An error that nobody listens to stays one that nobody listens to.
    command.on(errorMonitor, failed);
  }
}

/** Calls `sending` when a command goes to the server. */
export function whenSent(command: Mysql2Command, sending: () => void): void {
  const { start } = command;
  if (start === undefined) return;
  command.start = (packet, connection) => {
    sending();
    return start.call(command, packet, connection);
  };
}
