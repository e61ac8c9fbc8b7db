import { createHash, randomUUID } from 'node:crypto';
import type { Clock } from '../../clock.ts';
import type { EngineError } from '../engine-error.ts';
import type { NewsOfOthers } from '../news.ts';
import { calmly } from './hearing.ts';
import { Listening } from './listening.ts';
import type { EnginePool } from './pool.ts';
import { newsText, readNews, UntoldNews } from './untold-news.ts';

/** What is written meanwhile is told together. */
const tellEveryMs = 20;

/** What {@link HostNews} takes. */
export interface HostNewsSetup {
  readonly pool: EnginePool;
  readonly clock: Clock;
  readonly timeoutMs: number;
  readonly where: string;
  /** The schema, not quoted, and the scope's number: who shares both hears one another. */
  readonly schema: string;
  readonly scope: number;
  readonly onTrouble: (error: EngineError) => void;
}

/**
 * News between the hosts of one scope, by LISTEN and NOTIFY. The transactions that write never notify: one that does
 * holds, while it commits, a lock of the whole server, and all who notify would wait for each other's disk. What they wrote
 * is told afterwards and together, on the connection that listens. A crash before that tells nobody, and they look.
 */
export class HostNews {
  readonly #setup: HostNewsSetup;
  /** Its own news comes back to it as well. */
  readonly #host = randomUUID();
  readonly #untold = new UntoldNews();
  #listening: Listening | undefined;
  #keyPrefix = '';
  #isTelling = false;

  constructor(setup: HostNewsSetup) {
    this.#setup = setup;
  }

  /** Undefined before `listen`. */
  get isHearing(): boolean | undefined {
    return this.#listening?.isHearing;
  }

  listen(news: NewsOfOthers): void {
    const { pool, clock, timeoutMs, where, onTrouble, schema, scope } = this.#setup;
    const enqueued = calmly(clock, (partition) => news.enqueued(partition));
    this.#keyPrefix = news.keyPrefix;
    this.#listening = new Listening({
      ...{ pool, clock, timeoutMs, where, onTrouble, channel: channelOf(schema, scope) },
      hear: (payload) => {
        const told = readNews(payload);
        if (told === undefined || told.host === this.#host) return;
        for (const partition of told.partitions) enqueued(partition);
        if (told.dueAt !== undefined) news.due(told.dueAt);
        for (const key of told.keys) if (key.startsWith(news.keyPrefix)) news.changed(key);
      },
    });
    this.#listening.start();
  }

  /** To be called when the server has it. */
  enqueued(partition: string): void {
    if (this.isHearing !== true) return;
    this.#untold.enqueued(partition);
    this.#tell();
  }

  /** The same. */
  due(at: number): void {
    if (this.isHearing !== true) return;
    this.#untold.due(at);
    this.#tell();
  }

  /** The same. */
  changed(key: string): void {
    if (this.isHearing !== true || !key.startsWith(this.#keyPrefix)) return;
    this.#untold.changed(key);
    this.#tell();
  }

  /** Resolves when the connection is closed. */
  async close(): Promise<void> {
    await this.#listening?.stop();
  }

  #tell(): void {
    if (this.#isTelling) return;
    this.#isTelling = true;
    void this.#tellAll();
  }

  async #tellAll(): Promise<void> {
    const { clock } = this.#setup;
    while (!this.#untold.isEmpty) {
      await this.#listening?.notify(newsText(this.#host, this.#untold.take()));
      await new Promise<void>((resolve) => clock.after(tellEveryMs, resolve));
      if (this.isHearing !== true) this.#untold.clear();
    }
    this.#isTelling = false;
  }
}

/** The channel of a scope. Channels are the whole database's, and their names have 63 bytes, as schemas' have. */
export function channelOf(schema: string, scope: number): string {
  return `slackwater_${createHash('sha256').update(schema).digest('hex').slice(0, 16)}_${scope}`;
}
