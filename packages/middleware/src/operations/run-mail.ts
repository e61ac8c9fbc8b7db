import type { OperationEntryType, OperationStep } from '@slackwater/shared';
import type { Clock } from '../clock.ts';
import type { EngineStore } from '../engines/store.ts';
import { OperationError } from './operation-error.ts';

// What one process has to tell of a run that another one has: operation/mail/<process>/<ULID>, JSON. Values are kept already, sealed; a letter has
// their digests.
//
//   letter   written    crash after: it is read all the same
//   entry    recorded   crash after: the letter is read again by nobody, or again: what it says is said twice, which changes nothing
//   letter   deleted    who wrote it knows that it is recorded

const lookEveryMs = 25;
const lettersPerLook = 100;

/** What is to be recorded of a run. */
export interface Letter {
  readonly run: string;
  readonly type: OperationEntryType;
  readonly step: Omit<OperationStep, 'token'>;
}

/** Tells other processes of runs that they have. */
export class RunMail {
  readonly #store: EngineStore;
  readonly #clock: Pick<Clock, 'after' | 'now'>;
  readonly #waitMs: number;

  /** @param waitMs how long a letter waits to be read, ms */
  constructor(store: EngineStore, clock: Pick<Clock, 'after' | 'now'>, waitMs: number) {
    this.#store = store;
    this.#clock = clock;
    this.#waitMs = waitMs;
  }

  /** Resolves when it is recorded. Rejects with `operation-elsewhere` where nobody read it in time: then it is taken back. */
  async send(to: string, id: string, letter: Letter): Promise<void> {
    const key = `${box(to)}${id}`;
    await this.#store.put(key, Buffer.from(JSON.stringify(letter), 'utf8'));
    const began = this.#clock.now();
    while ((await this.#store.get(key)) !== undefined) {
      if (this.#clock.now() - began > this.#waitMs) {
        if (!(await this.#store.delete(key))) return;
        throw new OperationError(
          'operation-elsewhere',
          `run ${letter.run} is in process ${to}, which does not answer; ask again`,
        );
      }
      await new Promise<void>((resolve) => this.#clock.after(lookEveryMs, resolve));
    }
  }

  /** Reads what came, each letter by `record`; what that gives false for stays, for who wrote it to take back. */
  async read(holder: string, record: (letter: Letter) => Promise<boolean>): Promise<void> {
    for (const { key, value } of await this.#store.list(box(holder), { limit: lettersPerLook })) {
      const letter = JSON.parse(Buffer.from(value).toString('utf8')) as Letter;
      if (await record(letter)) await this.#store.delete(key);
    }
  }
}

function box(holder: string): string {
  return `operation/mail/${holder}/`;
}
