import type { DeferralResource } from '@slackwater/shared';
import { type Limits, type SignalLike, startLimits } from '../call/limits.ts';
import type { SlackwaterResponse } from '../call/settle.ts';
import { DeferralCanceledError, NotCancelableError } from '../errors/deferrals.ts';
import { isClientError } from '../errors/guards.ts';
import { ParameterRefusedError } from '../errors/trust.ts';
import type { ResolvedOptions } from '../options.ts';
import { loadProver } from '../proof/load-prover.ts';
import type { ProgressListener } from './listeners.ts';
import type { Opened } from './opened.ts';
import type { DeferralSession } from './session.ts';
import type { Settlement } from './settlement.ts';
import { untilOver, untilSettled } from './until.ts';
import { updatesOf } from './updates.ts';

/** Limits of one operation of a poller. */
export interface PollOptions {
  /** How long it may take in all. Default none; then the client's `deadlineMs` counts. */
  readonly deadlineMs?: number;
  /** Ends the wait at once, with `aborted`; the deferral goes on. Default none. */
  readonly signal?: SignalLike;
}

/** The proof that a request was recorded. */
export interface RecordedProof {
  /** C2SP tlog-proof text. */
  readonly receipt: string;
  /** The `accepted` entry's bytes, base64. */
  readonly entry: string;
  /** The salt of the digest in the entry, base64. */
  readonly salt: string;
  /** Whether the receipt was verified under one of the client's verifier keys. */
  readonly verified: boolean;
}

/** A request under way. Where it was answered at once, it is done from the start. */
export interface Poller<T = unknown> {
  /** The last deferral resource that was seen; undefined before the first, and where the request was answered at once. */
  readonly deferral: DeferralResource | undefined;
  /** Asks once how the deferral stands. Resolves with undefined where the request was answered at once. */
  poll(options?: PollOptions): Promise<DeferralResource | undefined>;
  /**
   * Waits for the final response, at the server's pace. Resolves and rejects as the client's `request` does. After `deadline-exceeded` or
   * `aborted` it can be called again.
   */
  pollUntilDone(options?: PollOptions): Promise<SlackwaterResponse<T>>;
  /**
   * Tells of the deferral when it is first seen, and of each change that is seen while somebody waits for it. Returns what ends
   * that.
   */
  onProgress(listener: ProgressListener): () => void;
  /**
   * Tells when a success that the server told ahead of the work has come to nothing and what was done of it is undone
   * (`reversal.reversed`). From now on the deferral is followed for that, without a deadline, until it has succeeded, is undone, or what this returns
   * is called. Trouble ends the following quietly; `updates` tells of it.
   */
  onReversed(listener: ProgressListener): () => void;
  /** The deferral as it is, and each change of it until it is settled and, where it has to be, undone. Nothing where the request was answered at once. */
  updates(options?: PollOptions): AsyncGenerator<DeferralResource, void, undefined>;
  /** The same, by the client's own deadline: `for await (const deferral of poller)`. */
  [Symbol.asyncIterator](): AsyncGenerator<DeferralResource, void, undefined>;
  /** The final response if it is there already; undefined while it is not. Asks once. */
  outcome(options?: PollOptions): Promise<SlackwaterResponse<T> | undefined>;
  /**
   * Cancels the deferral at the server.
   *
   * @throws NotCancelableError where it is being performed, is done, or was answered at once.
   */
  cancel(options?: PollOptions): Promise<void>;
  /**
   * Gives the operation that the request started inputs that come later, by label (`deferral.operation.waitsFor`). The same may be given again.
   *
   * @throws InputNotTakenError where they are not what it takes, others were given before, or it takes none any more.
   */
  provideInput(values: Readonly<Record<string, unknown>>, options?: PollOptions): Promise<void>;
  /** The proof that the request was recorded; undefined where it was answered at once. */
  receipt(options?: PollOptions): Promise<RecordedProof | undefined>;
  /**
   * What `client.deferral(...)` takes, also in another process. It carries the capability: keep it like a
   * password. Empty where the request was answered at once.
   */
  toString(): string;
}

type Deferred = Extract<Opened, { kind: 'deferred' }>;

/** A poller over a call that `open` starts at its first use, once. */
export class CallPoller<T> implements Poller<T> {
  readonly #open: () => Promise<Opened>;
  readonly #options: ResolvedOptions;
  #opening: Promise<Opened> | undefined;
  #session: DeferralSession | undefined;
  readonly #resume: string;
  /** Listeners from before there was a session, and what ends each in it. */
  #early: Map<ProgressListener, (() => void) | undefined> | undefined;

  constructor(open: () => Promise<Opened>, options: ResolvedOptions, resume: string) {
    this.#open = open;
    this.#options = options;
    this.#resume = resume;
  }

  /** Resolves when the request has been answered or deferred. */
  async opened(): Promise<Opened> {
    this.#opening ??= this.#open();
    const opened = await this.#opening;
    if (opened.kind === 'deferred' && this.#session === undefined) {
      this.#session = opened.session;
      for (const listener of this.#early?.keys() ?? [])
        this.#early?.set(listener, opened.session.listen(listener));
    }
    return opened;
  }

  get deferral(): DeferralResource | undefined {
    return this.#session?.resource;
  }

  async poll(options: PollOptions = {}): Promise<DeferralResource | undefined> {
    const opened = await this.opened();
    if (opened.kind === 'answered') return undefined;
    await this.#within(opened, options, (limits) => opened.session.refresh(limits));
    return opened.session.resource;
  }

  pollUntilDone(options: PollOptions = {}): Promise<SlackwaterResponse<T>> {
    return this.#end(options, (session, limits) => untilSettled(session, limits, this.#options.pollWaitMs));
  }

  onProgress(listener: ProgressListener): () => void {
    const known = this.#session;
    if (known !== undefined) {
      if (known.resource !== undefined) listener(known.resource);
      return known.listen(listener);
    }
    const own: ProgressListener = (resource) => listener(resource);
    this.#early ??= new Map();
    this.#early.set(own, undefined);
    return () => {
      this.#early?.get(own)?.();
      this.#early?.delete(own);
    };
  }

  onReversed(listener: ProgressListener): () => void {
    const left = new AbortController();
    const follow = async (): Promise<void> => {
      const opened = await this.opened();
      if (opened.kind === 'answered') return;
      const limits = { deadlineMs: Number.POSITIVE_INFINITY, signal: left.signal };
      const end = await this.#within(opened, limits, (within) =>
        untilOver(opened.session, within, this.#options.pollWaitMs),
      );
      if (end.reversal?.reversed === true) listener(end);
    };
    follow().catch(() => {});
    return () => left.abort();
  }

  async *updates(options: PollOptions = {}): AsyncGenerator<DeferralResource, void, undefined> {
    const opened = await this.opened();
    if (opened.kind === 'answered') return;
    const { session } = opened;
    const left = new AbortController();
    const within = { ...opened, signals: [...opened.signals, left.signal] };
    const wait = (): Promise<void> =>
      this.#within(within, options, async (limits) => {
        await untilOver(session, limits, this.#options.pollWaitMs);
      });
    try {
      yield* updatesOf(session, wait);
    } finally {
      left.abort();
    }
  }

  [Symbol.asyncIterator](): AsyncGenerator<DeferralResource, void, undefined> {
    return this.updates();
  }

  outcome(options: PollOptions = {}): Promise<SlackwaterResponse<T> | undefined> {
    return this.#end(options, async (session, limits) => {
      const reading = await session.ask(limits, 0);
      session.throwIfEnded(limits);
      return session.settle(reading);
    });
  }

  async cancel(options: PollOptions = {}): Promise<void> {
    const opened = await this.opened();
    if (opened.kind === 'answered') {
      throw new NotCancelableError('The request was answered at once; there is nothing to cancel.');
    }
    await this.#within(opened, options, async (limits) =>
      (await loadProver()).cancel(opened.session, limits),
    );
    opened.fail(new DeferralCanceledError(opened.session.resource?.id ?? ''));
  }

  async provideInput(values: Readonly<Record<string, unknown>>, options: PollOptions = {}): Promise<void> {
    const opened = await this.opened();
    if (opened.kind === 'answered') {
      throw new ParameterRefusedError(
        'The request was answered at once; there is nothing that takes inputs.',
      );
    }
    await this.#within(opened, options, async (limits) =>
      (await loadProver()).provideInputs(opened.session, limits, values),
    );
  }

  async receipt(options: PollOptions = {}): Promise<RecordedProof | undefined> {
    const opened = await this.opened();
    if (opened.kind === 'answered') return undefined;
    const { session } = opened;
    if (session.resource === undefined)
      await this.#within(opened, options, (limits) => session.refresh(limits));
    if (session.resource === undefined) return undefined;
    const { receipt, entry, salt } = session.resource;
    return { receipt, entry, salt, verified: session.receiptVerified };
  }

  toString(): string {
    return this.#session?.resume ?? this.#resume;
  }

  #limits(opened: Deferred, { deadlineMs = this.#options.deadlineMs, signal }: PollOptions): Limits {
    return startLimits(this.#options.runtime, deadlineMs, [signal, ...opened.signals]);
  }

  async #within<R>(opened: Deferred, options: PollOptions, work: (limits: Limits) => Promise<R>): Promise<R> {
    const limits = this.#limits(opened, options);
    try {
      return await work(limits);
    } finally {
      limits.release();
    }
  }

  /**
   * Ends the call by what the work finds, so that its interceptors see the end, and resolves with what they make of it. The end of
   * a wait is not the end of the call.
   */
  async #end<S extends Settlement | undefined>(
    options: PollOptions,
    work: (session: DeferralSession, limits: Limits) => Promise<S>,
  ): Promise<SlackwaterResponse<T> | Extract<S, undefined>> {
    const opened = await this.opened();
    if (opened.kind === 'answered') return opened.response as SlackwaterResponse<T>;
    // Here pollers wait by the thousand, and each function that waits for another costs every one of them.
    const limits = this.#limits(opened, options);
    try {
      const settlement = await work(opened.session, limits);
      if (settlement === undefined) return settlement as Extract<S, undefined>;
      opened.deliver(settlement);
    } catch (error) {
      if (isClientError(error, 'deadline-exceeded') || isClientError(error, 'aborted')) throw error;
      opened.fail(error);
    } finally {
      limits.release();
    }
    return (await opened.final) as SlackwaterResponse<T>;
  }
}
