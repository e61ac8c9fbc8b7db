import type { DatabaseSync } from 'node:sqlite';
import { backlogHandler } from './backlog-handler.ts';
import type { Handlers, Reply } from './handlers.ts';
import { logHandlers } from './log-handlers.ts';
import { oldestHandler } from './oldest-handler.ts';
import type { CallName, CallTypes } from './protocol.ts';
import { queueHandlers } from './queue-handlers.ts';
import { scopeSchema } from './schema.ts';
import { openSession, type ScopeSession } from './scope-session.ts';
import { sealHandler } from './seal-handler.ts';
import { listHandler, storeHandlers } from './store-handlers.ts';
import { sweepHandler } from './sweep-handler.ts';
import { wrappedKeyHandlers } from './wrapped-key-handlers.ts';

/** A call as the thread works on it. */
export interface Call {
  readonly name: CallName;
  readonly args: CallTypes[CallName]['args'];
  readonly blobs: readonly Uint8Array[];
}

/** What a call gave, whichever it was. */
export type AnyReply = Reply<CallTypes[CallName]['value']>;

type ScopedHandlers = Handlers<Exclude<CallName, 'scope'>>;
type AnyHandler = (args: Call['args'], blobs: Call['blobs']) => AnyReply;

interface ScopeTables {
  readonly handlers: ScopedHandlers;
  readonly session: ScopeSession;
}

/** Performs calls on the tables of every scope of one file. Always inside a transaction. */
export interface Tables {
  begin(): void;
  perform(call: Call): AnyReply;
  /** Writes what the transaction has kept back; the last thing before COMMIT. */
  flush(): void;
}

/** The tables of an open file. Statements are prepared when a scope is first asked for. */
export function openTables(database: DatabaseSync): Tables {
  const scopes = new Map<number, ScopeTables>();
  const touched = new Set<ScopeSession>();

  const tablesOf = (scope: number): ScopeTables => {
    let tables = scopes.get(scope);
    if (tables === undefined) {
      tables = openScope(database, scope);
      scopes.set(scope, tables);
    }
    if (!touched.has(tables.session)) {
      tables.session.begin();
      touched.add(tables.session);
    }
    return tables;
  };

  return {
    begin: () => touched.clear(),
    perform({ name, args, blobs }) {
      if (name === 'scope') return { value: makeScope(database, String(args[0]), String(args[1])) };
      // The two ends are one package: that the arguments are those of the name is checked where they are packed.
      const handler = tablesOf(Number(args[0])).handlers[name] as AnyHandler;
      return handler(args, blobs);
    },
    flush() {
      for (const session of touched) session.flush();
    },
  };
}

function openScope(database: DatabaseSync, scope: number): ScopeTables {
  const session = openSession(database, scope);
  const log = logHandlers(database, scope, session);
  const store = storeHandlers(database, scope, session);
  const handlers = {
    ...log,
    ...store,
    ...sealHandler({ ...log, ...store }, session),
    ...listHandler(database, scope),
    ...queueHandlers(database, scope, session),
    ...backlogHandler(database, scope),
    ...oldestHandler(database, scope),
    ...sweepHandler(database, scope),
    ...wrappedKeyHandlers(database, scope),
  };
  return { session, handlers };
}

function makeScope(database: DatabaseSync, application: string, group: string): number {
  database
    .prepare('INSERT INTO scope (application, resource_group) VALUES (?, ?) ON CONFLICT DO NOTHING')
    .run(application, group);
  const row = database
    .prepare('SELECT id FROM scope WHERE application = ? AND resource_group = ?')
    .get(application, group);
  const scope = Number(row?.['id']);
  database.exec(scopeSchema(scope));
  return scope;
}
