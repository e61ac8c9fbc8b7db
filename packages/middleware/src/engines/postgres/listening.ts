import { randomUUID } from 'node:crypto';
import type { Clock, Timer } from '../../clock.ts';
import { EngineError } from '../engine-error.ts';
import { engineError } from './failures.ts';
import { type OwnConnection, ownConnection } from './own-connection.ts';
import type { EnginePool, EngineQueryConfig } from './pool.ts';

/** How often a connection shows that notifications still come through it. */
const proveEveryMs = 30_000;

/** How long until it is tried again: doubled from the first to the second. */
const firstWaitMs = 250;
const longestWaitMs = 30_000;

/** A connection that does not say goodbye is left to itself. */
const endWithinMs = 500;

/** Where a server takes LISTEN and tells nothing, which does not change by itself. */
const poolerWaitMs = 300_000;

/** What {@link Listening} takes. */
export interface ListeningSetup {
  readonly pool: EnginePool;
  readonly clock: Clock;
  /** How long the server may take to answer, and to give a notification back. */
  readonly timeoutMs: number;
  readonly where: string;
  /** A name that stands in SQL without quotes. */
  readonly channel: string;
  /** Hears of each notification of the channel. Must not throw. */
  readonly hear: (payload: string) => void;
  /** Told once for each time that nothing can be heard. */
  readonly onTrouble: (error: EngineError) => void;
}

/**
 * Listens on a channel over one connection of its own, for as long as that lasts, and again when it was lost. One of the
 * pool's would not do: while it listens it can't be lent.
 */
export class Listening {
  readonly #setup: ListeningSetup;
  #running: Promise<void> = Promise.resolve();
  #isStopped = false;
  #wakeUp: () => void = () => {};
  #giveUp: () => void = () => {};
  #hearing: OwnConnection | undefined;
  /** What is told to itself, to see that it comes. */
  #awaited: { readonly token: string; came(): void } | undefined;

  constructor(setup: ListeningSetup) {
    this.#setup = setup;
  }

  /** Whether notifications come through. */
  get isHearing(): boolean {
    return this.#hearing !== undefined;
  }

  /** Begins; to be called once. */
  start(): void {
    this.#running = this.#goOn();
  }

  /** Tells all who listen, where that is possible now; else nobody hears of it. Resolves when the server has it. */
  async notify(payload: string): Promise<void> {
    await this.#hearing?.query(this.#notification(payload)).catch(() => {});
  }

  /** Resolves when the connection is closed. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#wakeUp();
    this.#giveUp();
    await this.#running;
  }

  async #goOn(): Promise<void> {
    const { onTrouble, where } = this.#setup;
    let failures = 0;
    let isTold = false;
    while (!this.#isStopped) {
      let waitMs = Math.min(firstWaitMs * 2 ** failures, longestWaitMs);
      try {
        await this.#listenUntilLost(() => {
          failures = 0;
          isTold = false;
        });
      } catch (error) {
        if (isUnheard(error)) waitMs = poolerWaitMs;
        failures = Math.min(failures + 1, 10);
        if (!isTold && !this.#isStopped) onTrouble(engineError(error, where, 'none'));
        isTold = true;
      }
      if (!this.#isStopped) await this.#pause(waitMs);
    }
  }

  /** Rejects with why it was lost; resolves where it was stopped. */
  async #listenUntilLost(onHearing: () => void): Promise<void> {
    const { pool, timeoutMs, where } = this.#setup;
    const client = ownConnection(pool, timeoutMs);
    if (client === undefined) throw unheard(where, 'the pool does not say how it makes its connections');
    let isLost = false;
    const keep = async (): Promise<void> => {
      await this.#within(client.connect());
      client.unref?.();
      await this.#within(client.query({ text: this.#begin }));
      while (!isLost && !this.#isStopped) {
        await this.#prove(client);
        // What was lost meanwhile is not heard any more, whatever the proof says.
        if (isLost || this.#isStopped) return;
        this.#hearing = client;
        onHearing();
        await this.#pause(proveEveryMs);
      }
    };
    try {
      await new Promise<void>((resolve, reject) => {
        this.#giveUp = resolve;
        client.on('error', reject);
        client.on('end', () => reject(new Error('the connection was ended')));
        client.on('notification', ({ payload = '' }) => this.#take(payload));
        keep().then(resolve, reject);
      });
    } finally {
      isLost = true;
      this.#hearing = undefined;
      this.#wakeUp();
      await this.#within(client.end(), endWithinMs).catch(() => {});
    }
  }

  /** What it tells is in memory alone, so nobody waits for a disk on its behalf. */
  get #begin(): string {
    return `SET synchronous_commit = off; LISTEN ${this.#setup.channel}`;
  }

  /** A pooler that gives each transaction another connection takes LISTEN as well, and nothing ever comes. */
  async #prove(client: OwnConnection): Promise<void> {
    const { clock, timeoutMs, where } = this.#setup;
    const token = `proof ${randomUUID()}`;
    let timer: Timer | undefined;
    const came = new Promise<void>((resolve, reject) => {
      this.#awaited = { token, came: resolve };
      timer = clock.after(timeoutMs, () => reject(unheard(where, pooled)));
    });
    // Looked at only where the server has answered.
    came.catch(() => {});
    try {
      await this.#within(client.query(this.#notification(token)));
      await came;
    } finally {
      timer?.cancel();
      if (this.#awaited?.token === token) this.#awaited = undefined;
    }
  }

  #take(payload: string): void {
    if (payload === this.#awaited?.token) this.#awaited.came();
    else this.#setup.hear(payload);
  }

  #notification(payload: string): EngineQueryConfig {
    return { text: 'SELECT pg_notify($1, $2)', values: [this.#setup.channel, payload] };
  }

  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = this.#setup.clock.after(ms, resolve);
      this.#wakeUp = () => {
        timer.cancel();
        resolve();
      };
    });
  }

  #within<T>(answer: Promise<T>, ms: number = this.#setup.timeoutMs): Promise<T> {
    return new Promise((resolve, reject) => {
      const timer = this.#setup.clock.after(ms, () => reject(new Error(`no answer within ${ms} ms`)));
      answer.then(resolve, reject).finally(() => timer.cancel());
    });
  }
}

const pooled =
  'the server takes LISTEN and gives no notification, as behind a pooler that pools transactions; let the pool connect to the server itself, or say listen: false';

function unheard(where: string, why: string): EngineError {
  const instead = 'until then what other hosts write is found when it is looked for (perform.lookEveryMs)';
  return new EngineError('engine-unavailable', 'none', `${where}: ${why}; ${instead}`);
}

/** Our own say so; what a server or a socket said is tried again sooner. */
function isUnheard(error: unknown): boolean {
  return error instanceof EngineError;
}
