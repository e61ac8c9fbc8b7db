import { extname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import type { Clock } from '../../clock.ts';
import { EngineError } from '../engine-error.ts';
import type { Reply } from './handlers.ts';
import { OutgoingBatch } from './outgoing-batch.ts';
import type { CallName, CallTypes, Failure, FileIdentities, FromThread, ThreadOptions } from './protocol.ts';

/** While the thread works on one batch the next is already there, so that it never waits for this thread. */
const mostBatchesUnderWay = 2;

/** Calls beyond either bound are turned away: the disk is not keeping up. */
const mostCallsPending = 100_000;
const mostBytesWaiting = 128 * 1024 * 1024;

const firstBackOffMs = 100;
const longestBackOffMs = 5_000;

/** The worker runs from the sources as from the built package: it is the neighbour with this file's extension. */
const workerUrl = new URL(`./worker${extname(fileURLToPath(import.meta.url))}`, import.meta.url);

// Node 22 calls node:sqlite experimental, once, on the application's standard error.
const execArgv = ['--disable-warning=ExperimentalWarning'];

type State =
  /** Not started, or died. Until `retryAt` it is not started again, and `failure` is what callers get. */
  | { readonly kind: 'off'; readonly retryAt: number; readonly failure: Failure | undefined }
  | { readonly kind: 'starting'; readonly worker: Worker }
  | { readonly kind: 'running'; readonly worker: Worker }
  | { readonly kind: 'closed' };

/** The engine's thread as the rest of the process sees it: every call gets an answer, whatever becomes of it. */
export class EngineThread {
  readonly #options: Omit<ThreadOptions, 'expected'>;
  readonly #clock: Clock;
  #state: State = { kind: 'off', retryAt: Number.NEGATIVE_INFINITY, failure: undefined };
  #identity: FileIdentities | undefined;
  /** Deaths and failed starts since the last answer. */
  #failures = 0;
  /** Batches that the thread has. */
  readonly #underWay: OutgoingBatch[] = [];
  /** Batches that it gets next; the last one still takes calls. */
  readonly #waiting: OutgoingBatch[] = [];
  /** Those that came, and are not given to the callers yet. */
  readonly #answers: (() => void)[] = [];
  #callsPending = 0;
  #bytesWaiting = 0;
  #flushPlanned = false;
  #closing: { readonly promise: Promise<void>; readonly done: () => void } | undefined;

  constructor(options: Omit<ThreadOptions, 'expected'>, clock: Clock) {
    this.#options = options;
    this.#clock = clock;
  }

  /** Has a call performed. Rejects with an `EngineError`; never stays without an answer. */
  call<Name extends CallName>(
    name: Name,
    args: CallTypes[Name]['args'],
    blobs: readonly Uint8Array[] = [],
  ): Promise<Reply<CallTypes[Name]['value']>> {
    const refusal = this.#refusal();
    if (refusal !== undefined) {
      return Promise.reject(new EngineError(refusal.code, refusal.fate, refusal.message));
    }
    return new Promise((resolve, reject) => {
      const batch = this.#batchToFill(blobs);
      const before = batch.byteLength;
      // That the answer's type is the one of the call's name is the protocol's promise.
      batch.add(name, args, blobs, { resolve: resolve as (reply: Reply<unknown>) => void, reject });
      this.#callsPending += 1;
      this.#bytesWaiting += batch.byteLength - before;
      this.#planFlush();
    });
  }

  /** Takes no more calls, and resolves when those that it has are answered and the file is closed. */
  close(): Promise<void> {
    if (this.#closing === undefined) {
      let done = (): void => {};
      const promise = new Promise<void>((resolve) => {
        done = resolve;
      });
      this.#closing = { promise, done };
      this.#flush();
    }
    return this.#closing.promise;
  }

  #refusal(): Failure | undefined {
    const state = this.#state;
    const name = this.#options.file;
    if (this.#closing !== undefined) return none('engine-closed', `${name}: the engine is closed`);
    if (state.kind === 'off' && state.failure !== undefined && this.#clock.now() < state.retryAt) {
      return state.failure;
    }
    if (this.#callsPending >= mostCallsPending || this.#bytesWaiting >= mostBytesWaiting) {
      const pending = `${this.#callsPending} calls and ${this.#bytesWaiting} bytes are waiting`;
      return none('engine-unavailable', `${name}: the disk does not keep up; ${pending}`);
    }
    return undefined;
  }

  #batchToFill(blobs: readonly Uint8Array[]): OutgoingBatch {
    const last = this.#waiting.at(-1);
    if (last !== undefined && !last.isFull(this.#callsPending, blobs)) return last;
    const batch = new OutgoingBatch();
    this.#waiting.push(batch);
    return batch;
  }

  /** Not at once: the calls of one turn of the event loop travel together. */
  #planFlush(): void {
    if (this.#flushPlanned) return;
    this.#flushPlanned = true;
    setImmediate(() => {
      this.#flushPlanned = false;
      this.#flush();
    });
  }

  #flush(): void {
    const state = this.#state;
    if (state.kind === 'off') {
      if (this.#waiting.length > 0) this.#start();
      else if (this.#closing !== undefined) this.#end();
    }
    if (state.kind !== 'running') return;
    while (this.#underWay.length < mostBatchesUnderWay) {
      const batch = this.#waiting.shift();
      if (batch === undefined) break;
      this.#underWay.push(batch);
      this.#bytesWaiting -= batch.byteLength;
      const { message, transfer } = batch.message();
      state.worker.postMessage(message, transfer);
    }
    if (this.#closing !== undefined && this.#underWay.length === 0)
      state.worker.postMessage({ kind: 'close' });
    this.#keepProcess(state.worker);
  }

  /** A process may end while the thread is idle, and must not while somebody waits for an answer. */
  #keepProcess(worker: Worker): void {
    if (this.#callsPending > 0 || this.#closing !== undefined) worker.ref();
    else worker.unref();
  }

  #start(): void {
    const workerData: ThreadOptions = { ...this.#options, expected: this.#identity };
    let worker: Worker;
    try {
      worker = new Worker(workerUrl, { name: 'slackwater-sqlite', workerData, execArgv });
    } catch (error) {
      // Node's permission model does not allow threads unless it is told to.
      const said = error instanceof Error ? error.message : String(error);
      const message = `${this.#options.file}: the engine's thread cannot be started (${said})`;
      this.#gone(none('engine-unavailable', message), error);
      return;
    }
    this.#state = { kind: 'starting', worker };
    let refused: Failure | undefined;
    let cause: unknown;
    worker.on('message', (message: FromThread) => {
      if (message.kind === 'refused') refused = message.failure;
      else this.#heard(worker, message);
    });
    worker.on('error', (error) => {
      cause = error;
    });
    worker.on('exit', () => this.#gone(refused, cause));
  }

  #heard(worker: Worker, message: Exclude<FromThread, { kind: 'refused' }>): void {
    if (message.kind === 'opened') {
      this.#identity = message.identity;
      this.#state = { kind: 'running', worker };
      this.#flush();
      return;
    }
    this.#failures = 0;
    const [batch] = this.#underWay;
    if (batch === undefined) return;
    const before = batch.unanswered;
    const answer = batch.reader(message.answers, message.bytes);
    this.#callsPending -= before - batch.unanswered;
    if (batch.unanswered === 0) this.#underWay.shift();
    // The thread gets its next work before the callers here go on.
    this.#flush();
    this.#answers.push(answer);
    if (this.#answers.length === 1) setImmediate(() => this.#answerNext());
  }

  /** One batch in a turn of the event loop: what its callers do next takes a while. */
  #answerNext(): void {
    this.#answers.shift()?.();
    if (this.#answers.length > 0) setImmediate(() => this.#answerNext());
  }

  /** The thread ended, as it was told to or not. Whoever it had not answered learns it. */
  #gone(refused: Failure | undefined, cause: unknown): void {
    // What it did answer comes first.
    for (const answer of this.#answers.splice(0)) answer();
    const wasAsked = this.#closing !== undefined && this.#callsPending === 0;
    if (wasAsked) {
      this.#end();
      return;
    }
    const { file } = this.#options;
    const said = cause instanceof Error ? `: ${cause.message}` : '';
    const died: Failure = {
      code: 'engine-unavailable',
      fate: 'unknown',
      message: `${file}: the engine's thread died${said}; it is started again`,
    };
    for (const batch of this.#underWay.splice(0)) this.#fail(batch, died);
    this.#failures += 1;
    const failure = refused ?? { ...died, fate: 'none' };
    const backOffMs = this.#failures === 1 && refused === undefined ? 0 : backOff(this.#failures);
    this.#state = { kind: 'off', retryAt: this.#clock.now() + backOffMs, failure };
    if (backOffMs > 0) {
      for (const batch of this.#waiting.splice(0)) this.#fail(batch, failure);
      this.#bytesWaiting = 0;
    }
    this.#flush();
  }

  #fail(batch: OutgoingBatch, failure: Failure): void {
    this.#callsPending -= batch.unanswered;
    batch.fail(failure);
  }

  #end(): void {
    this.#state = { kind: 'closed' };
    this.#closing?.done();
  }
}

const none = (code: Failure['code'], message: string): Failure => ({ code, fate: 'none', message });

const backOff = (failures: number): number =>
  Math.min(longestBackOffMs, firstBackOffMs * 2 ** (failures - 1));
