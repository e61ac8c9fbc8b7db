import type { DeferralResource } from '@slackwater/shared';
import type { Limits } from '../call/limits.ts';
import { DeferralNotFoundError, InputNotTakenError, NotCancelableError } from '../errors/deferrals.ts';
import { noteWait } from '../errors/facts.ts';
import { AnswerMalformedError } from '../errors/trust.ts';
import { isTraced, type StepFacts, traced } from '../telemetry.ts';
import { withProofOf } from './keep-proof.ts';
import { Listeners, type ProgressListener } from './listeners.ts';
import { PollPace } from './pace.ts';
import { Questions } from './questions.ts';
import type { Reading } from './reading.ts';
import { formatResumeToken } from './resume.ts';
import type { SessionStart } from './session-start.ts';
import { isOpen, isOver, type Settlement, settlementOf } from './settlement.ts';
import { trustedUrl } from './status-url.ts';
import { tooLate } from './too-late.ts';

const notSettled = 'the deferral is not settled';
const nothing: readonly never[] = [];

/** What a session is asked for until. */
interface Goal<End> {
  readonly ask: (session: DeferralSession, limits: Limits) => Promise<Reading>;
  readonly endOf: (session: DeferralSession, reading: Reading) => End | undefined;
}

/** One deferral as its caller sees it: the last resource, and the ways to ask for more. */
export class DeferralSession {
  readonly #start: SessionStart;
  #resource: DeferralResource | undefined;
  #receiptVerified = false;
  #isKept: Promise<void> | undefined;
  #heardAtMs = Number.NEGATIVE_INFINITY;
  readonly #pace: PollPace;
  readonly #listeners = new Listeners();

  constructor(start: SessionStart) {
    this.#start = start;
    this.#pace = new PollPace(start.options, start.options.runtime);
    const { onProgress } = start.options;
    if (onProgress !== undefined) this.listen(onProgress);
  }

  /** Tells of each change that is seen from now on. Returns what ends it. */
  listen(listener: ProgressListener): () => void {
    return this.#listeners.add(listener);
  }

  /** The last resource that was seen; undefined before the first. */
  get resource(): DeferralResource | undefined {
    return this.#resource;
  }

  /** Whether the receipt was verified under one of the client's verifier keys. */
  get receiptVerified(): boolean {
    return this.#receiptVerified;
  }

  /** Resolves when its proof is kept, or could not be. */
  get isKept(): Promise<void> {
    return this.#isKept ?? Promise.resolve();
  }

  /** The id, as far as it is known. */
  get id(): string {
    return this.#start.id ?? this.#resource?.id ?? '';
  }

  /** What `client.deferral(...)` takes. */
  get resume(): string {
    const { method, statusUrl } = this.#start;
    return formatResumeToken({
      id: this.id,
      statusUrl,
      outcomeUrl: this.#start.outcomeUrl,
      method,
    });
  }

  /**
   * Takes in a resource, the first one with its proof.
   *
   * @throws ReceiptMismatchError, StatusUrlForeignError; AnswerMalformedError for another deferral's resource.
   */
  accept(resource: DeferralResource, askedMs: number | undefined): void {
    const { id, options, statusUrl } = this.#start;
    const known = this.#resource?.id ?? id;
    if (this.#resource === undefined) {
      const { verified, kept } = this.#start.prover.takeProof(this.#start, resource, known);
      this.#receiptVerified = verified;
      this.#isKept = kept;
      this.#start.sent = nothing;
      this.#start.id = resource.id;
    } else if (resource.id !== known) {
      throw new AnswerMalformedError(`asked for deferral ${known}, got ${resource.id}`);
    }
    const { resourceLocation } = resource;
    const { href } = trustedUrl(resourceLocation, new URL(statusUrl), options.allowedOrigins);
    // Of two texts that are the same, one is kept.
    this.#start.outcomeUrl = href === resourceLocation ? resourceLocation : href;
    const before = this.#resource;
    const after = before !== undefined && this.#receiptVerified ? withProofOf(before, resource) : resource;
    this.#resource = after;
    this.#heardAtMs = options.runtime.steadyMs();
    this.#pace.asked(askedMs);
    this.#listeners.tell(before, after);
  }

  /** Asks for the resource once, the server holding the request open for `waitMs` if it can. */
  async poll(limits: Limits, waitMs: number): Promise<Reading> {
    const reading = await this.#questions.status(limits, waitMs);
    if (reading.kind === 'resource') this.accept(reading.resource, reading.askedMs);
    return reading;
  }

  /**
   * Asks until one clear answer about the resource came.
   *
   * @throws DeferralNotFoundError, StatusRefusedError, and what {@link accept} throws.
   */
  async refresh(limits: Limits): Promise<void> {
    const reading = await this.#clear(limits, () => this.poll(limits, 0));
    if (reading.kind !== 'resource') this.#settle(reading);
  }

  /** Asks once, for the resource and, where it is settled, for the outcome. Undefined while there is none. */
  async settleNow(limits: Limits): Promise<Settlement | undefined> {
    const reading = await this.#next(limits, 0);
    this.#throwIfEnded(limits);
    return this.#settle(reading);
  }

  /**
   * Asks for its cancellation, again where no clear answer came. Resolves when it is canceled.
   *
   * @throws NotCancelableError where it is being performed or settled already.
   */
  async cancel(limits: Limits): Promise<void> {
    const reading = await this.#clear(limits, () => this.#questions.cancellation(limits));
    if (reading.kind === 'refused' && reading.status !== 409) this.#settle(reading);
    await this.#confirmCancellation(limits);
  }

  /** Gives the operation inputs, again where no clear answer came. @throws InputNotTakenError, and what {@link refresh} throws. */
  async provide(limits: Limits, values: Readonly<Record<string, unknown>>): Promise<void> {
    const reading = await this.#clear(limits, () => this.#questions.inputs(limits, values));
    if (reading.kind === 'resource') this.accept(reading.resource, reading.askedMs);
    else if (reading.kind === 'refused' && reading.problem !== undefined) {
      throw new InputNotTakenError(reading.problem, reading.status);
    } else this.#settle(reading);
  }

  /** Asks until an answer is clear. @throws DeferralNotFoundError */
  async #clear(limits: Limits, ask: () => Promise<Reading>): Promise<Reading> {
    for (;;) {
      const reading = await ask();
      this.#throwIfEnded(limits);
      if (reading.kind === 'absent') throw new DeferralNotFoundError(this.#resource?.id ?? this.#start.id);
      if (reading.kind !== 'unclear') return reading;
      await this.#pause(limits, this.#pace.after(reading), reading.trouble);
    }
  }

  /** An earlier DELETE may have been the one that did it, so a conflict is no answer: the resource is. */
  async #confirmCancellation(limits: Limits): Promise<void> {
    await this.refresh(limits);
    // An operation is undone first.
    while (this.#resource?.operation?.error === 'operation-canceled' && isOpen(this.#resource)) {
      await this.#pause(limits, this.#pace.nextMs(), notSettled);
      await this.refresh(limits);
    }
    if (this.#resource?.status === 'Canceled') return;
    throw new NotCancelableError(
      `Deferral ${this.#resource?.id} can't be canceled any more: it is ${this.#resource?.status}.`,
    );
  }

  /** Asks at the server's pace until nothing more can become of it, or the limits end it. */
  async untilOver(limits: Limits): Promise<DeferralResource> {
    return this.#over ?? (await this.#until(limits, DeferralSession.#toBeOver));
  }

  static readonly #toBeOver: Goal<DeferralResource> = {
    async ask(session, limits) {
      const reading = await session.#ask(limits, session.#start.options.pollWaitMs);
      if (reading.kind === 'absent')
        throw new DeferralNotFoundError(session.#resource?.id ?? session.#start.id);
      session.#settle(reading);
      return reading;
    },
    endOf: (session) => session.#over,
  };

  get #over(): DeferralResource | undefined {
    return this.#resource !== undefined && isOver(this.#resource) ? this.#resource : undefined;
  }

  /** Asks at the server's pace until the deferral is settled and its outcome is there, or the limits end it. */
  untilSettled(limits: Limits): Promise<Settlement> {
    return this.#until(limits, DeferralSession.#toBeSettled);
  }

  static readonly #toBeSettled: Goal<Settlement> = {
    ask: (session, limits) => session.#next(limits, session.#start.options.pollWaitMs),
    endOf: (session, reading) => session.#settle(reading),
  };

  /** Here calls wait by the thousand: each closure, and each function that waits for another, would cost every one of them. */
  async #until<End>(limits: Limits, { ask, endOf }: Goal<End>): Promise<End> {
    // A stream tells by itself when something is new, so it is not too early for one.
    const isEarly = this.#resource !== undefined && isOpen(this.#resource) && !this.#follows;
    let due = isEarly ? Math.max(0, this.#pace.nextMs() - this.#sinceHeard()) : 0;
    let why = notSettled;
    for (;;) {
      if (due > 0) {
        await this.#startPause(limits, due, why);
        this.#throwIfEnded(limits);
      }
      const reading = await ask(this, limits);
      this.#throwIfEnded(limits);
      const end = endOf(this, reading);
      if (end !== undefined) return end;
      due = this.#pace.after(reading);
      why = reading.kind === 'unclear' ? reading.trouble : notSettled;
    }
  }

  /** A wait that the server asked for has begun with its answer, whenever its caller begins to wait. */
  #sinceHeard(): number {
    return this.#start.options.runtime.steadyMs() - this.#heardAtMs;
  }

  async #next(limits: Limits, waitMs: number): Promise<Reading> {
    const resource = this.#resource;
    if (resource === undefined || isOpen(resource)) {
      const reading = await this.#ask(limits, waitMs);
      if (reading.kind === 'absent') throw new DeferralNotFoundError(this.#resource?.id ?? this.#start.id);
      if (reading.kind !== 'resource' || isOpen(reading.resource)) return reading;
    }
    return await this.#fetchOutcome(limits);
  }

  get #follows(): boolean {
    return this.#start.streams && this.#listeners.size > 0;
  }

  /** Who wants to know of changes is told of them by a stream, or by asking more often: a long poll ends with the deferral alone. */
  async #ask(limits: Limits, waitMs: number): Promise<Reading> {
    if (this.#listeners.size === 0 || waitMs === 0) return await this.poll(limits, waitMs);
    if (!this.#follows) return await this.poll(limits, 0);
    const reading = await this.#questions.changes(limits, (resource) => this.accept(resource, undefined));
    if (reading.kind === 'resource') this.accept(reading.resource, reading.askedMs);
    return reading;
  }

  get #questions(): Questions {
    const { send, statusUrl, options } = this.#start;
    return new Questions(send, statusUrl, options);
  }

  async #fetchOutcome(limits: Limits): Promise<Reading> {
    const resource = this.#resource;
    const url = this.#start.outcomeUrl;
    if (
      resource === undefined ||
      url === undefined ||
      resource.outcomeKnown === false ||
      resource.status === 'Canceled'
    ) {
      return { kind: 'absent' };
    }
    return await this.#questions.outcome(limits, url);
  }

  #settle(reading: Reading): Settlement | undefined {
    return settlementOf(reading, this.#resource, this.#resource?.id ?? this.#start.id ?? '');
  }

  async #pause(limits: Limits, waitMs: number, why: string): Promise<void> {
    await this.#startPause(limits, waitMs, why);
    this.#throwIfEnded(limits);
  }

  /** Resolves also when the limits end it. @throws DeadlineExceededError at once where that would be too late. */
  #startPause(limits: Limits, waitMs: number, why: string): Promise<void> {
    const { runtime, onLog } = this.#start.options;
    if (waitMs >= limits.remainingMs()) throw tooLate(limits, waitMs, why, runtime.wallMs(), this.resume);
    noteWait(limits.history, waitMs);
    if (!isTraced(onLog, 'wait')) return limits.wait(waitMs);
    const facts = (): StepFacts => ({ why, waitMs: Math.round(waitMs) });
    return traced(onLog, 'wait', facts, () => limits.wait(waitMs));
  }

  #throwIfEnded(limits: Limits): void {
    const ended = limits.endedBy({ resume: this.resume });
    if (ended !== undefined) throw ended;
  }
}
