import type { ServerResponse } from 'node:http';
import type { Request } from 'express';
import type { DeferOptions, DeferredPart, RequestParts } from '../../options/request-slackwater.ts';
import { deferralUrls } from '../deferral-resource.ts';
import { sayPartsOn } from './answer-header.ts';
import type { PartDesk, PartMeans, PartToRecord, Passed, RecordedPart } from './contract.ts';
import { type DeferringRequest, deferringRequest } from './deferring-request.ts';
import { PartNotDeferredError, PartRefusedError, PartUnknownError } from './part-error.ts';
import { partPayload } from './part-payload.ts';
import { partToRecord } from './part-to-record.ts';
import { settleWhenOver } from './settle-when-over.ts';

/** So many parts one request may defer: their names and ids have to fit into a header. */
const mostParts = 32;

/** What one request has deferred, and how it defers more. */
export class PartsOfRequest {
  readonly #means: PartMeans;
  readonly #req: Request;
  readonly #res: ServerResponse;
  readonly #passed: Passed;
  readonly #baseUrl: string;
  /** How many of each name were deferred. */
  readonly #ordinals = new Map<string, number>();
  #deferring: Promise<DeferringRequest> | undefined;
  readonly #deferred: DeferredPart[] = [];
  #done: readonly string[] = [];

  constructor(means: PartMeans, req: Request, res: ServerResponse, passed: Passed, baseUrl: string) {
    this.#means = means;
    this.#req = req;
    this.#res = res;
    this.#passed = passed;
    this.#baseUrl = baseUrl;
    sayPartsOn(res, () => ({ done: this.#done, deferred: this.#deferred }));
  }

  /** Which are done and which wait, with the names of some more that are done. */
  say(done: readonly string[]): RequestParts {
    for (const name of done) checkDone(name);
    if (this.#done.length + done.length > mostParts) {
      throw new PartRefusedError('names', `at most ${mostParts} parts can be said to be done`);
    }
    this.#done = [...this.#done, ...done];
    return { done: this.#done, deferred: [...this.#deferred] };
  }

  /** See `RequestSlackwater.defer`. */
  async defer(name: string, payload: unknown, options: DeferOptions): Promise<DeferredPart> {
    const { options: gate, desk } = this.#means;
    if (desk === undefined) throw new PartRefusedError(String(name), noEngine);
    const part = gate.parts.get(name);
    if (part === undefined) throw new PartUnknownError(name, [...gate.parts.keys()]);
    if (this.#res.headersSent) throw new PartRefusedError(name, tooLate);
    if ([...this.#ordinals.values()].reduce((sum, count) => sum + count, 0) >= mostParts) {
      throw new PartRefusedError(name, `a request defers at most ${mostParts} parts; defer one with a list`);
    }
    const bytes = partPayload(name, payload, gate.maxBodyBytes);
    const ordinal = (this.#ordinals.get(name) ?? 0) + 1;
    this.#ordinals.set(name, ordinal);
    try {
      const request = await this.#deferringRequest(name);
      const wish = partToRecord(this.#means, request, { name, part, payload, options });
      const recorded = await record(desk, request, { ...wish, payload: bytes, ordinal });
      request.parts.push({ id: recorded.id, partition: wish.partition });
      const { status } = deferralUrls(this.#baseUrl, recorded.id, recorded.capability);
      const deferred = Object.freeze({ part: name, id: recorded.id, status });
      this.#deferred.push(deferred);
      return deferred;
    } catch (error) {
      // Whoever tries it again means the same part.
      if (this.#ordinals.get(name) === ordinal) this.#ordinals.set(name, ordinal - 1);
      throw error;
    }
  }

  /** Found out once, and tried again where it failed. */
  #deferringRequest(name: string): Promise<DeferringRequest> {
    this.#deferring ??= deferringRequest(this.#means, this.#req, this.#passed, name).then(
      (request) => {
        settleWhenOver(this.#means, this.#req.socket, this.#res, request);
        return request;
      },
      (error: unknown) => {
        this.#deferring = undefined;
        throw error;
      },
    );
    return this.#deferring;
  }
}

/** What the header can carry. */
const namePattern = /^[\x20-\x7e]{1,64}$/;

function checkDone(name: unknown): void {
  if (typeof name === 'string' && namePattern.test(name)) return;
  const said = typeof name === 'string' ? JSON.stringify(name.slice(0, 60)) : typeof name;
  throw new PartRefusedError(
    'names',
    `${said} is no name of a part that is done: 1 to 64 printable ASCII characters`,
  );
}

async function record(desk: PartDesk, { at }: DeferringRequest, part: PartToRecord): Promise<RecordedPart> {
  let recorded: RecordedPart | undefined;
  try {
    recorded = await desk.record(at, part);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new PartNotDeferredError(part.name, why.replace(/\.$/, ''), error);
  }
  if (recorded !== undefined) return recorded;
  throw new PartNotDeferredError(part.name, 'as many deferrals wait as may (ledger.maxQueued)');
}

const noEngine =
  "there is no ledger to record it in; give the gate an engine, sqliteEngine({ directory: '.slackwater' })";
const tooLate = 'its request was answered already; defer it before, so that the answer can say so';
