import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Request } from 'express';
import type {
  DeferOptions,
  DeferredPart,
  RequestParts,
  RequestReplay,
  RequestSlackwater,
} from '../../options/request-slackwater.ts';
import { deferralUrls } from '../deferral-resource.ts';
import { sayPartsOn } from './answer-header.ts';
import type { PartMeans, Passed } from './contract.ts';
import { type DeferringRequest, deferringRequest } from './deferring-request.ts';
import { PartNotDeferredError, PartRefusedError, PartUnknownError } from './part-error.ts';
import { partPayload } from './part-payload.ts';
import { partToRecord } from './part-to-record.ts';
import { settleWhenOver } from './settle-when-over.ts';

/** So many parts one request may defer: their names and ids have to fit into a header. */
const mostParts = 32;

/** A request of one gate, as its handler has it in `req.slackwater`. */
export class GateRequest implements RequestSlackwater {
  declare readonly replay?: RequestReplay;
  readonly #means: PartMeans;
  readonly #req: Request;
  readonly #res: ServerResponse;
  readonly #passed: Passed;
  readonly #baseUrl: string;
  /** How many of each name were deferred. */
  #ordinals: Map<string, number> | undefined;
  #deferring: Promise<DeferringRequest> | undefined;
  readonly #deferred: DeferredPart[] = [];
  #done: readonly string[] = [];

  constructor(means: PartMeans, req: Request, res: ServerResponse, passed: Passed, baseUrl: string) {
    this.#means = means;
    this.#req = req;
    this.#res = res;
    this.#passed = passed;
    this.#baseUrl = baseUrl;
    const { replay } = passed;
    if (replay === undefined) return;
    const { id, attempt, completionKey, workType } = replay;
    this.replay = Object.freeze({ id, attempt, completionKey, workType });
  }

  async defer(name: string, payload: unknown, options: DeferOptions = {}): Promise<DeferredPart> {
    const { options: gate, desk, recorders } = this.#means;
    if (desk === undefined || recorders === undefined) throw new PartRefusedError(String(name), noEngine);
    const part = gate.parts.get(name);
    if (part === undefined) throw new PartUnknownError(name, [...gate.parts.keys()]);
    if (this.#res.headersSent) throw new PartRefusedError(name, tooLate);
    const ordinals = this.#ordinals ?? this.#begin();
    const ordinal = (ordinals.get(name) ?? 0) + 1;
    if ([...ordinals.values()].reduce((sum, count) => sum + count, 0) >= mostParts) {
      throw new PartRefusedError(name, `a request defers at most ${mostParts} parts; defer one with a list`);
    }
    const bytes = partPayload(name, payload, gate.maxBodyBytes);
    ordinals.set(name, ordinal);
    try {
      const request = await this.#deferringRequest(name);
      const wish = partToRecord(this.#means, request, { name, part, payload, options });
      const recorded = await this.#record(request, name, { ...wish, payload: bytes, ordinal });
      const { status } = deferralUrls(this.#baseUrl, recorded.id, recorded.capability);
      const deferred = Object.freeze({ part: name, id: recorded.id, status });
      this.#deferred.push(deferred);
      request.parts.push({ id: recorded.id, partition: wish.partition });
      return deferred;
    } catch (error) {
      // Whoever tries it again means the same part.
      if (ordinals.get(name) === ordinal) ordinals.set(name, ordinal - 1);
      throw error;
    }
  }

  parts(...done: readonly string[]): RequestParts {
    this.#done = [...this.#done, ...done.map(String)];
    return { done: this.#done, deferred: [...this.#deferred] };
  }

  #begin(): Map<string, number> {
    sayPartsOn(this.#res, () => ({ done: this.#done, deferred: this.#deferred }));
    this.#ordinals = new Map();
    return this.#ordinals;
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

  async #record(
    { at }: DeferringRequest,
    name: string,
    part: Parameters<NonNullable<PartMeans['desk']>['record']>[1],
  ): Promise<{ readonly id: string; readonly capability: string | undefined }> {
    let recorded: Awaited<ReturnType<NonNullable<PartMeans['desk']>['record']>>;
    try {
      recorded = await this.#means.desk?.record(at, part);
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      throw new PartNotDeferredError(name, why.replace(/\.$/, ''), error);
    }
    if (recorded === undefined) {
      throw new PartNotDeferredError(name, 'as many deferrals wait as may (ledger.maxQueued)');
    }
    return recorded;
  }
}

const noEngine =
  "there is no ledger to record it in; give the gate an engine, sqliteEngine({ directory: '.slackwater' })";
const tooLate = 'its request was answered already; defer it before, so that the answer can say so';

/**
 * What the gate says to a handler about its request, and does for it. Throws `part-refused` for a request that no gate let
 * through.
 */
export function slackwaterOf(req: IncomingMessage): RequestSlackwater {
  const { slackwater } = req as { readonly slackwater?: RequestSlackwater };
  if (slackwater !== undefined) return slackwater;
  throw new PartRefusedError(
    'of this request',
    'no gate let it through; mount one before the route, app.use(gate)',
  );
}
