import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Request } from 'express';
import type {
  DeferOptions,
  DeferredPart,
  RequestParts,
  RequestReplay,
  RequestSlackwater,
} from '../../options/request-slackwater.ts';
import type { RequestFacts } from '../request-facts.ts';
import type { PartMeans, PassedRequest, ReplayOf } from './contract.ts';
import { PartRefusedError } from './part-error.ts';
import { PartsOfRequest } from './parts-of-request.ts';

/** A request of one gate, as its handler has it in `req.slackwater`. Each request has one, so that it is no more than this. */
export class GateRequest implements RequestSlackwater {
  readonly #means: PartMeans;
  readonly #req: Request;
  readonly #res: ServerResponse;
  /** Of a request from outside that was judged. */
  readonly #facts: RequestFacts | undefined;
  /** Where the gate is mounted: a handler sees another path there. */
  readonly #mount: string;
  #parts: PartsOfRequest | undefined;

  constructor(means: PartMeans, req: Request, res: ServerResponse, facts: RequestFacts | undefined) {
    this.#means = means;
    this.#req = req;
    this.#res = res;
    this.#facts = facts;
    this.#mount = req.baseUrl;
  }

  async defer(name: string, payload: unknown, options: DeferOptions = {}): Promise<DeferredPart> {
    return this.#begun().defer(name, payload, options);
  }

  parts(...done: readonly string[]): RequestParts {
    return this.#begun().say(done);
  }

  /** What the gate knows of it, and has for it. */
  static passed(request: unknown): PassedRequest | undefined {
    if (!(request instanceof GateRequest)) return undefined;
    const { options } = request.#means;
    const baseUrl = `${options.publicUrl ?? request.#mount}${options.basePath}`;
    return { means: request.#means, facts: request.#facts, replay: request.replayed(), baseUrl };
  }

  /** What it is the replay of. */
  protected replayed(): ReplayOf | undefined {
    return undefined;
  }

  #begun(): PartsOfRequest {
    this.#parts ??= new PartsOfRequest(
      this.#means,
      this.#req,
      this.#res,
      { facts: this.#facts, replay: this.replayed() },
      `${this.#means.options.publicUrl ?? this.#mount}${this.#means.options.basePath}`,
    );
    return this.#parts;
  }
}

/** A replay, as its handler has it. */
export class GateReplay extends GateRequest {
  readonly replay: RequestReplay;

  constructor(means: PartMeans, req: Request, res: ServerResponse, replay: ReplayOf) {
    super(means, req, res, undefined);
    const { id, attempt, completionKey, workType } = replay;
    this.replay = Object.freeze({ id, attempt, completionKey, workType });
    Object.freeze(this);
  }

  protected override replayed(): ReplayOf {
    return this.replay;
  }
}

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
