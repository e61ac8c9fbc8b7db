import type { Durability } from '@slackwater/shared';
import type { Clock } from '../clock.ts';
import type { HeadNote } from './head-note.ts';
import type { EngineLog } from './log.ts';
import type { NewsOfOthers } from './news.ts';
import type { EngineQueue } from './queue.ts';
import type { EngineStore } from './store.ts';
import type { WrappedKeys } from './wrapped-keys.ts';

/** Where log, key-value store and queue live: what `options.engine` takes. Nothing is opened yet. */
export interface Engine {
  /** The engine's name, for messages: `sqlite`. */
  readonly name: string;
  /** What "durable" means here: fsync of one disk, or acknowledged by a majority of servers. */
  readonly durable: Durability;
  /** The database server that it lives on, spelled as drivers spell theirs; undefined where it lives on none. */
  readonly server?: string;
  /**
   * Opens what belongs to one application and resource group, creating it where it is new.
   * Rejects with `engine-corrupt`, `engine-full` or `engine-unavailable`.
   */
  open(options: EngineOpenOptions): Promise<OpenEngine>;
}

/** To whom an opened engine belongs, and by what time it lives. */
export interface EngineOpenOptions {
  readonly application: string;
  readonly group: string;
  readonly clock: Clock;
  /**
   * Hears of trouble that no call reports and that somebody must look at: a message in the log that nobody of ours
   * wrote, a connection that was lost. What it throws is ignored.
   */
  readonly onTrouble?: (doing: string, error: unknown) => void;
}

/** An open engine. Every method may be called concurrently and rejects with an `EngineError`. */
export interface OpenEngine {
  readonly durable: Durability;
  readonly log: EngineLog;
  readonly store: EngineStore;
  readonly queue: EngineQueue;
  readonly wrappedKeys: WrappedKeys;
  /**
   * A directory on a local disk of this host for what can be made again from the log, beside an embedded engine's file or where
   * the engine's own indexes are. Engines without such a place have none.
   */
  readonly localDirectory?: string;
  /**
   * The bytes of the key file. An embedded engine that finds none stores what `create` returns, readable by
   * its owner alone, durably, before it resolves; two processes that start at once get the same bytes. A
   * distributed engine gives what it was given and never creates. Rejects with `key-file-unreadable`.
   */
  keyFile(create: () => Uint8Array): Promise<Uint8Array>;
  /** What this host remembers of the ledger's head. Absent where an engine has no place of the host's own. */
  readonly headNote?: HeadNote;
  /**
   * Puts other bytes in the place of the key file, whole and durably. Engines that are given their keys have none of it.
   * Rejects with `key-file-unreadable`.
   */
  replaceKeyFile?(bytes: Uint8Array): Promise<void>;
  /**
   * From now on this host tells the others what it writes, and hears what they write; to be called once. It never throws:
   * while nothing can be heard the host goes on looking. Engines without it are looked at only.
   */
  listen?(news: NewsOfOthers): void;
  /** How this host stands with the engine's servers. Engines without servers have none of it. */
  status?(): EngineStatus;
  /** Resolves when what was begun has ended and everything is let go. May be called twice. */
  close(): Promise<void>;
}

/** How a host stands with the servers of its engine. */
export interface EngineStatus {
  /** False while no server is reached: nothing is recorded then, and nothing performed. */
  readonly connected: boolean;
  /** How many messages (or rows) are there, as far as this host knows, that its own indexes do not have yet. */
  readonly behind: number;
  /**
   * Whether this host hears at once what others write; where it does not, it finds that when it looks. Absent where the
   * engine has no such thing.
   */
  readonly listening?: boolean;
}
