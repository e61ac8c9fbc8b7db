import { extname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { IndexError } from './index-error.ts';
import type {
  FromIndexThread,
  IndexCallName,
  IndexCalls,
  IndexThreadOptions,
  ToIndexThread,
} from './protocol.ts';

/** The worker runs from the sources as from the built package: it is the neighbour with this file's extension. */
const workerUrl = new URL(`./worker${extname(fileURLToPath(import.meta.url))}`, import.meta.url);

// Node 22 calls node:sqlite experimental, once, on the application's standard error.
const execArgv = ['--disable-warning=ExperimentalWarning'];

/** Calls beyond it are turned away. */
const mostWaiting = 1_000;

interface Waiter {
  resolve(value: unknown): void;
  reject(error: IndexError): void;
}

/** The index's thread as the rest of the process sees it. It is started with the first call; one that died or rests with the next. */
export class IndexThread {
  readonly #options: IndexThreadOptions;
  #worker: Worker | undefined;
  #ended: Promise<unknown> = Promise.resolve();
  #closed = false;
  #number = 0;
  readonly #waiting = new Map<number, Waiter>();

  constructor(options: IndexThreadOptions) {
    this.#options = options;
  }

  /** Rejects with `index-behind` where the index can't be read or written; the message says why. */
  call<Name extends IndexCallName>(
    name: Name,
    args: IndexCalls[Name]['args'],
    transfer: readonly ArrayBuffer[] = [],
  ): Promise<IndexCalls[Name]['value']> {
    if (this.#closed) return Promise.reject(this.#refusal('it is closed'));
    if (this.#waiting.size >= mostWaiting) {
      return Promise.reject(this.#refusal(`${mostWaiting} calls are waiting for it`));
    }
    return new Promise((resolve, reject) => {
      try {
        this.#worker ??= this.#start();
      } catch (error) {
        // Node's permission model does not allow threads unless it is told to.
        reject(this.#refusal(`its thread can't be started (${said(error)})`));
        return;
      }
      this.#number += 1;
      // That the answer's type is the one of the call's name is the protocol's promise.
      this.#waiting.set(this.#number, { resolve: resolve as (value: unknown) => void, reject });
      const message: ToIndexThread = { kind: 'call', number: this.#number, name, args };
      this.#worker.postMessage(message, [...transfer]);
      this.#worker.ref();
    });
  }

  /** Lets the thread end where nobody waits for it: it takes memory also while it does nothing. */
  rest(): void {
    if (this.#worker === undefined || this.#waiting.size > 0) return;
    this.#worker.postMessage({ kind: 'close' } satisfies ToIndexThread);
    this.#worker = undefined;
  }

  /** Takes no more calls, and resolves when those that it has are answered and the file is closed. May be called twice. */
  async close(): Promise<void> {
    if (!this.#closed) this.#worker?.postMessage({ kind: 'close' } satisfies ToIndexThread);
    this.#closed = true;
    // A process must not end while somebody waits for this.
    this.#worker?.ref();
    await this.#ended;
  }

  #start(): Worker {
    const worker = new Worker(workerUrl, { name: 'slackwater-index', workerData: this.#options, execArgv });
    let cause: unknown;
    worker.on('message', (message: FromIndexThread) => this.#heard(worker, message));
    worker.on('error', (error) => {
      cause = error;
    });
    const before = this.#ended;
    this.#ended = new Promise<void>((resolve) => {
      worker.on('exit', () => {
        resolve();
        // One that was let go has no calls; those that there are by now are another's.
        if (this.#worker !== worker) return;
        this.#worker = undefined;
        const why = this.#refusal(
          cause === undefined ? 'its thread ended' : `its thread died (${said(cause)})`,
        );
        for (const waiter of this.#waiting.values()) waiter.reject(why);
        this.#waiting.clear();
      });
    }).then(() => before);
    return worker;
  }

  #heard(worker: Worker, message: FromIndexThread): void {
    const waiter = this.#waiting.get(message.number);
    this.#waiting.delete(message.number);
    // A process may end while nobody waits for an answer.
    if (this.#waiting.size === 0) worker.unref();
    if ('failure' in message) waiter?.reject(this.#refusal(message.failure));
    else waiter?.resolve(message.value);
  }

  #refusal(why: string): IndexError {
    const { path } = this.#options;
    return new IndexError('index-behind', `The index ${path === '' ? '' : `${path} `}can't be used: ${why}.`);
  }
}

function said(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
