import type { DeferralResource, RecordedRequest } from '@slackwater/shared';
import type { Limits } from '../call/limits.ts';
import { DeferralNotFoundError } from '../errors/deferrals.ts';
import { noteWait } from '../errors/facts.ts';
import { AnswerMalformedError } from '../errors/trust.ts';
import type { ResolvedOptions } from '../options.ts';
import { isTraced, type StepFacts, traced } from '../telemetry.ts';
import { canStream } from './can-stream.ts';
import { clearAnswer } from './clear-answer.ts';
import { provenAgain, takeProof, withProofOf } from './keep-proof.ts';
import { marksOf } from './known-proof.ts';
import { Listeners, type ProgressListener } from './listeners.ts';
import { type OutcomePlace, outcomePlace, outcomeUrlAt } from './outcome-url.ts';
import { type Pause, pollWaitMs } from './pace.ts';
import { Questions } from './questions.ts';
import type { Reading } from './reading.ts';
import { formatResumeToken } from './resume.ts';
import type { DeferredCall, SessionStart } from './session-start.ts';
import { isOpen, type Settlement, settlementOf } from './settlement.ts';
import { statusSender } from './status-request.ts';
import { deferralIdOf, trustedUrl } from './status-url.ts';
import { tooLate } from './too-late.ts';

const notSettled = 'the deferral is not settled';

/** One deferral as its caller sees it: the last resource, and the ways to ask for more. Ten thousand may wait: what one of them holds is held by all. */
export class DeferralSession {
  readonly #call: DeferredCall;
  readonly #statusUrl: string;
  /** Undefined where the resource has yet to say it. */
  #outcome: OutcomePlace | undefined;
  readonly #method: string | undefined;
  /** The id where it is not that of the status URL. */
  #id: string | undefined;
  /** What the proof of the first resource is compared with; undefined when it was. While it is open, only a session that is watched holds a resource. */
  #sent: readonly RecordedRequest[] | undefined;
  readonly #isWatched: boolean;
  #resource: DeferralResource | undefined;
  #receiptVerified = false;
  /** Of a proof that was verified and whose resource is not held. */
  #marks: string | undefined;
  #isKept: Promise<void> | undefined;
  /** Whole, for a number with a fraction is an object of its own; never too early. */
  #heardAtMs = 0;
  /** By the server's last answer; undefined where it did not say. */
  #askedMs: number | undefined;
  /** How many answers in a row did not. */
  #silentAnswers = 0;
  #listeners: Listeners | undefined;

  constructor({ call, statusUrl, outcomeUrl, method, id, sent, isWatched }: SessionStart) {
    const { options } = call.sending;
    this.#call = call;
    this.#statusUrl = statusUrl;
    this.#outcome = outcomeUrl === undefined ? undefined : outcomePlace(outcomeUrl, statusUrl);
    this.#method = method;
    this.#id = id;
    this.#sent = sent;
    this.#isWatched = isWatched || options.onProgress !== undefined;
    if (options.onProgress !== undefined) this.listen(options.onProgress);
  }

  /** Of what a request may end with. */
  get kind(): 'deferred' {
    return 'deferred';
  }

  /** Tells of each change that is seen from now on. Returns what ends it. */
  listen(listener: ProgressListener): () => void {
    this.#listeners ??= new Listeners();
    return this.#listeners.add(listener);
  }

  /** The last resource that was seen; undefined before the first, and while it is open where nobody watches. */
  get resource(): DeferralResource | undefined {
    return this.#resource;
  }

  /** Whether the receipt was verified under one of the client's verifier keys. */
  get receiptVerified(): boolean {
    return this.#receiptVerified;
  }

  /** Resolves when its proof is kept, or could not be, and the resource has the proof that was verified. */
  async proofKept(): Promise<void> {
    await this.#isKept;
    if (this.#marks === undefined || this.#resource === undefined) return;
    const { resource, verified } = await provenAgain(this.#call.sending, this.#resource, this.#marks);
    this.#resource = resource;
    this.#receiptVerified = verified;
    this.#marks = undefined;
  }

  /** The id, as far as it is known. */
  get id(): string {
    return this.#knownId ?? '';
  }

  get #knownId(): string | undefined {
    return this.#resource?.id ?? this.#id ?? deferralIdOf(this.#statusUrl);
  }

  get #outcomeUrl(): string | undefined {
    return outcomeUrlAt(this.#outcome, this.#statusUrl);
  }

  /** What `client.deferral(...)` takes. */
  get resume(): string {
    return formatResumeToken({
      id: this.id,
      statusUrl: this.#statusUrl,
      outcomeUrl: this.#outcomeUrl,
      method: this.#method,
    });
  }

  /**
   * Takes in a resource, the first one with its proof.
   *
   * @throws ReceiptMismatchError, StatusUrlForeignError; AnswerMalformedError for another deferral's resource.
   */
  accept(resource: DeferralResource, askedMs: number | undefined): void {
    const { options } = this.#call.sending;
    const known = this.#knownId;
    if (this.#sent !== undefined) this.#takeProof(resource, this.#sent, known);
    else if (resource.id !== known) {
      throw new AnswerMalformedError(`asked for deferral ${known}, got ${resource.id}`);
    }
    const { href } = trustedUrl(resource.resourceLocation, new URL(this.#statusUrl), options.allowedOrigins);
    this.#outcome = outcomePlace(href, this.#statusUrl);
    this.#heardAtMs = Math.ceil(options.runtime.steadyMs());
    this.#askedMs = askedMs;
    this.#show(resource);
  }

  #takeProof(resource: DeferralResource, sent: readonly RecordedRequest[], known: string | undefined): void {
    const start = { method: this.#method, sent, call: this.#call };
    const { verified, kept } = takeProof(start, resource, known);
    this.#receiptVerified = verified;
    this.#isKept = kept?.finally(() => {
      this.#isKept = undefined;
    });
    this.#sent = undefined;
    this.#id = deferralIdOf(this.#statusUrl) === resource.id ? undefined : resource.id;
    if (verified && !this.#isWatched) this.#marks = marksOf(resource);
  }

  #show(resource: DeferralResource): void {
    const before = this.#resource;
    if (!this.#isWatched) {
      this.#resource = isOpen(resource) ? undefined : resource;
      return;
    }
    this.#resource = before !== undefined && this.#receiptVerified ? withProofOf(before, resource) : resource;
    this.#listeners?.tell(before, this.#resource);
  }

  /** Asks for the resource once, the server holding the request open for `waitMs` if it can. */
  async poll(limits: Limits, waitMs: number): Promise<Reading> {
    const reading = await this.questions.status(limits, waitMs);
    if (reading.kind === 'resource') this.accept(reading.resource, reading.askedMs);
    return reading;
  }

  /**
   * Asks until one clear answer about the resource came.
   *
   * @throws DeferralNotFoundError, StatusRefusedError, and what {@link accept} throws.
   */
  async refresh(limits: Limits): Promise<void> {
    const reading = await clearAnswer(this, limits, () => this.poll(limits, 0));
    if (reading.kind !== 'resource') this.settle(reading);
  }

  /** What is to be waited for before it is asked for the first time. */
  firstPause(): Pause {
    // A stream tells by itself when something is new, so it is not too early for one.
    const isEarly = this.#sent === undefined && this.#isOpen && !this.#follows;
    // A wait that the server asked for has begun with its answer, whenever its caller begins to wait.
    const sinceHeardMs = this.#options.runtime.steadyMs() - this.#heardAtMs;
    return { waitMs: isEarly ? Math.max(0, this.nextPause().waitMs - sinceHeardMs) : 0, why: notSettled };
  }

  /** What is to be waited for between two questions. */
  nextPause(): Pause {
    return { waitMs: this.#nextMs(), why: notSettled };
  }

  /** What is to be waited for after a reading. */
  pauseAfter(reading: Reading): Pause {
    const why = reading.kind === 'unclear' ? reading.trouble : notSettled;
    this.#askedMs = reading.kind === 'resource' || reading.kind === 'unclear' ? reading.askedMs : undefined;
    return { waitMs: this.#nextMs(), why };
  }

  #nextMs(): number {
    const askedMs = this.#askedMs;
    this.#silentAnswers = askedMs === undefined ? this.#silentAnswers + 1 : 0;
    return Math.ceil(pollWaitMs(this.#options, this.#silentAnswers, askedMs, this.#options.runtime.random()));
  }

  /** Whether more can become of it, as far as was seen. */
  get #isOpen(): boolean {
    return this.#resource === undefined || isOpen(this.#resource);
  }

  /** Asks once, for the resource and, where it is settled, for the outcome. `waitMs`: how long the server may hold the request open. */
  async ask(limits: Limits, waitMs: number): Promise<Reading> {
    if (this.#isOpen) {
      const reading = await this.askStatus(limits, waitMs);
      if (reading.kind === 'absent') throw new DeferralNotFoundError(this.#knownId);
      if (reading.kind !== 'resource' || isOpen(reading.resource)) return reading;
    }
    return await this.#fetchOutcome(limits);
  }

  get #isListenedTo(): boolean {
    return this.#listeners !== undefined && this.#listeners.size > 0;
  }

  get #follows(): boolean {
    return this.#isListenedTo && canStream(this.#call.adapter);
  }

  /** Who wants to know of changes is told of them by a stream, or by asking more often: a long poll ends with the deferral alone. */
  async askStatus(limits: Limits, waitMs: number): Promise<Reading> {
    if (!this.#isListenedTo || waitMs === 0) return await this.poll(limits, waitMs);
    if (!this.#follows) return await this.poll(limits, 0);
    const reading = await this.questions.changes(limits, (resource) => this.accept(resource, undefined));
    if (reading.kind === 'resource') this.accept(reading.resource, reading.askedMs);
    return reading;
  }

  /** What can be asked about it. */
  get questions(): Questions {
    const { machinery, options } = this.#call.sending;
    const send = statusSender(machinery.bare, this.#call.passage, this.#call.adapter, options);
    return new Questions(send, this.#statusUrl, options);
  }

  async #fetchOutcome(limits: Limits): Promise<Reading> {
    const resource = this.#resource;
    const url = this.#outcomeUrl;
    if (
      resource === undefined ||
      url === undefined ||
      resource.outcomeKnown === false ||
      resource.status === 'Canceled'
    ) {
      return { kind: 'absent' };
    }
    return await this.questions.outcome(limits, url);
  }

  /** What a reading says of the end. @throws as `settlementOf`. */
  settle(reading: Reading): Settlement | undefined {
    return settlementOf(reading, this.#resource, this.id);
  }

  /** Resolves also when the limits end it. @throws DeadlineExceededError at once where that would be too late. */
  startPause(limits: Limits, { waitMs, why }: Pause): Promise<void> {
    const { runtime, onLog } = this.#options;
    if (waitMs >= limits.remainingMs()) throw tooLate(limits, waitMs, why, runtime.wallMs(), this.resume);
    noteWait(limits.history, waitMs);
    if (!isTraced(onLog, 'wait')) return limits.wait(waitMs);
    const facts = (): StepFacts => ({ why, waitMs: Math.round(waitMs) });
    return traced(onLog, 'wait', facts, () => limits.wait(waitMs));
  }

  /** Throws what ended the wait, if anything has. */
  throwIfEnded(limits: Limits): void {
    if (limits.isOver) throw limits.endedBy({ resume: this.resume });
  }

  get #options(): ResolvedOptions {
    return this.#call.sending.options;
  }
}
