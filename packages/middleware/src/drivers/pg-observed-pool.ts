import type { PrunableCompletions } from './asked-completions.ts';
import type { PgClient } from './pg-client.ts';
import type { ConnectionShare } from './pg-connections.ts';
import type { PgContact } from './pg-contact.ts';
import type { PgSession } from './pg-session.ts';

/** A pool under observation. */
export interface ObservedPool {
  readonly partition: string;
  /** Host, port and name of what it connects to. */
  readonly database: string;
  readonly share: ConnectionShare;
  readonly contact: PgContact;
  readonly completions: PrunableCompletions;
  /** Whether a client is one of the pool's. */
  holds(client: PgClient): boolean;
  /** Begins to observe a client of the pool's, unless it is observed. */
  take(client: PgClient): PgSession;
  stop(): void;
  /** The pool was ended: it is no source any more, while connections that are out still are observed. */
  retire(): void;
}
