import { type Connection, connect } from './connection.ts';
import type { NatsEngineOptions } from './nats-options.ts';

/** One connection for all scopes of an engine; it is closed when the last one lets it go. */
export class SharedConnection {
  readonly #options: NatsEngineOptions;
  readonly #hearers = new Set<(doing: string, error: unknown) => void>();
  #connecting: Promise<Connection> | undefined;
  #users = 0;

  constructor(options: NatsEngineOptions) {
    this.#options = options;
  }

  /** Connects where nobody did. `onTrouble` hears of what happens to the connection until it is released. */
  async take(
    onTrouble: (doing: string, error: unknown) => void,
  ): Promise<{ readonly connection: Connection; release(): Promise<void> }> {
    this.#users += 1;
    this.#hearers.add(onTrouble);
    this.#connecting ??= connect(this.#options, (doing, error) => {
      for (const hear of this.#hearers) hear(doing, error);
    });
    const connecting = this.#connecting;
    let released = false;
    const release = async (): Promise<void> => {
      if (released) return;
      released = true;
      this.#hearers.delete(onTrouble);
      this.#users -= 1;
      if (this.#users > 0 || this.#connecting !== connecting) return;
      this.#connecting = undefined;
      await (await connecting).close();
    };
    try {
      return { connection: await connecting, release };
    } catch (error) {
      if (this.#connecting === connecting) this.#connecting = undefined;
      this.#hearers.delete(onTrouble);
      this.#users -= 1;
      throw error;
    }
  }
}
