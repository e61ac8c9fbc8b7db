import type { Commit } from './driver.ts';
import { type Mysql2Result, serverStatus } from './mysql2-client.ts';
import type { Mysql2Effect } from './mysql2-text.ts';

/** A transaction that is open. */
export interface Mysql2Transaction {
  /** The server said that rows were written. */
  wrote: boolean;
  /** The request was told that it writes here. */
  told: boolean;
}

/** What is known of a session between two statements. Statements of one connection are sent one after the other's answer. */
export interface Mysql2SessionState {
  open: Mysql2Transaction | undefined;
  autocommit: boolean;
}

/** What a text is going to commit, when it is sent in this state; undefined where it commits nothing that was written. */
export function commitOf(
  effects: readonly Mysql2Effect[],
  { open, autocommit }: Readonly<Mysql2SessionState>,
): Commit['kind'] | undefined {
  let isOpen = open !== undefined;
  let wrote = open?.wrote === true;
  let commitsItself = autocommit;
  let kind: Commit['kind'] | undefined;
  const commits = (as: Commit['kind']): void => {
    if (kind !== 'explicit') kind = as;
  };
  for (const effect of effects) {
    switch (effect) {
      case 'begin':
      case 'begin-reading':
      case 'xa-begin':
      case 'commit':
      case 'commit-chain':
      case 'xa-prepare':
      case 'xa-commit-one-phase':
        if (isOpen && wrote) commits('explicit');
        isOpen = opens.has(effect);
        wrote = false;
        break;
      case 'xa-commit':
        commits('explicit');
        isOpen = false;
        wrote = false;
        break;
      case 'autocommit-on':
        if (isOpen && wrote && !commitsItself) commits('explicit');
        // Where it was on already it ends nothing.
        if (!commitsItself) isOpen = false;
        commitsItself = true;
        break;
      case 'autocommit-off':
        commitsItself = false;
        break;
      case 'rollback':
      case 'rollback-chain':
        isOpen = effect === 'rollback-chain';
        wrote = false;
        break;
      case 'define':
        commits('autocommit');
        isOpen = false;
        break;
      case 'end':
        if (isOpen && wrote) commits('autocommit');
        isOpen = false;
        break;
      case 'write':
      case 'call-writer':
      case 'call-procedure':
        if (isOpen) wrote = true;
        else if (commitsItself) commits('autocommit');
        else {
          isOpen = true;
          wrote = true;
        }
        break;
      case 'call':
      case 'savepoint':
      case 'none':
        break;
      default:
        effect satisfies never;
    }
  }
  return kind;
}

/** Whether rows were written, as the answer to a statement tells. An UPDATE that found rows and left them as they were wrote none. */
export function wroteRows({ affectedRows, info }: Mysql2Result): boolean {
  return Number(affectedRows ?? 0) > 0 && !/\bchanged:\s*0\b/i.test(info ?? '');
}

/** Takes in what the server says of the session behind a statement of this effect. */
export function follow(state: Mysql2SessionState, flags: number, effect: Mysql2Effect): void {
  const isInTransaction = (flags & serverStatus.inTransaction) !== 0;
  state.autocommit = (flags & serverStatus.autocommit) !== 0;
  if (!isInTransaction) state.open = undefined;
  else if (state.open === undefined || startsAnew.has(effect)) state.open = { wrote: false, told: false };
}

const opens: ReadonlySet<Mysql2Effect> = new Set(['begin', 'begin-reading', 'xa-begin', 'commit-chain']);
const startsAnew: ReadonlySet<Mysql2Effect> = new Set([...opens, 'rollback-chain', 'xa-prepare']);
