import type { ServerResponse } from 'node:http';
import type { NextFunction, Request } from 'express';
import type { Entry } from '../decide/entry.ts';
import { type CompletionScope, type RequestContext, requestContext } from '../request-context.ts';
import { routeObject, routeTaken } from './express-routes.ts';
import type { GateParts } from './gate-parts.ts';
import { onceOver } from './once-over.ts';
import type { RequestFacts } from './request-facts.ts';

type PerformParts = Pick<GateParts, 'learned' | 'warn' | 'transactions' | 'trouble'>;

/** By what a request is done once. */
export interface PerformedOnce {
  /** Of its completion rows. */
  readonly key: string;
  /** Those before it are there already. */
  readonly firstOrdinal: number;
}

/**
 * What drivers see of a request that was let through, and who counts it until it has ended. Each request has one, so that it is no
 * more than this.
 */
class LiveContext implements RequestContext {
  /** In shadow mode nothing is held back. */
  readonly postponable: boolean;
  readonly shadowOf: string | undefined;
  readonly completion: CompletionScope | undefined;
  writes = 0;
  readonly #parts: PerformParts;
  readonly #req: Request;
  readonly #res: ServerResponse;
  readonly #facts: RequestFacts;
  readonly #how: Performance;
  /** Somebody waits for its end. */
  readonly #isAwaited: boolean;
  /** The application that the gate stands in. */
  readonly #app: unknown;
  #unrouted: Set<string> | undefined;
  /** With what another gate let the same request through before. */
  readonly #outer: LiveContext | undefined;

  constructor(parts: PerformParts, req: Request, res: ServerResponse, facts: RequestFacts, how: Performance) {
    const { once } = how;
    this.postponable = !facts.workType.shadow;
    this.shadowOf = how.inShadow === true ? facts.workType.name : undefined;
    this.#parts = parts;
    this.#req = req;
    this.#res = res;
    this.#app = req.app;
    this.#facts = facts;
    this.#how = how;
    this.#isAwaited = how.entry?.counted === true || how.ended !== undefined;
    const outer = requestContext.getStore();
    this.#outer = outer instanceof LiveContext && outer.#req === req ? outer : undefined;
    this.completion =
      once === undefined
        ? this.#outer?.completion
        : { key: once.key, nextOrdinal: once.firstOrdinal, duplicate: false };
    // To listen for an end that means nothing to anybody would cost more than all the rest.
    if (this.#isAwaited) this.#listen();
  }

  get #learns(): boolean {
    return this.#facts.workType.whenOver === 'defer';
  }

  #listen(): void {
    onceOver(this.#req.socket, this.#res, () => {
      const { entry, ended, once } = this.#how;
      entry?.finished();
      ended?.();
      const wentWell = this.#res.writableFinished && this.#res.statusCode < 400;
      if (wentWell && this.#learns) learnTransactions(this.#parts, this.#facts, this, once);
    });
  }

  wrote(partition: string): void {
    if (this.writes === 0 && this.#learns && !this.#isAwaited) this.#listen();
    this.writes += 1;
    this.#outer?.wrote(partition);
    this.#how.entry?.wrote(partition);
    this.#learnPartition(partition);
  }

  /** What writes before the request has come to its route, as sessions do, counts for the route that it comes to. */
  #learnRoute(partition: string): void {
    const from = { req: this.#req, app: this.#app, path: this.#facts.path };
    if (routeObject(this.#req) !== undefined) {
      learnRoute(this.#parts, from, partition);
      return;
    }
    if (this.#unrouted !== undefined) {
      this.#unrouted.add(partition);
      return;
    }
    const written = new Set([partition]);
    this.#unrouted = written;
    onceOver(this.#req.socket, this.#res, () => {
      for (const each of written) learnRoute(this.#parts, from, each);
    });
  }

  #learnPartition(partition: string): void {
    const { partitionsSaid, partitions } = this.#facts;
    if (!partitionsSaid) this.#learnRoute(partition);
    else if (!partitions.includes(partition)) {
      this.#parts.warn('partition-differs', differs(this.#facts, partition));
    }
  }
}

function learnRoute(
  { learned, trouble }: PerformParts,
  { req, app, path }: { readonly req: Request; readonly app: unknown; readonly path: string },
  partition: string,
): void {
  try {
    const route = routeObject(req);
    if (route !== undefined && learned.again(req.method, route, partition)) return;
    learned.learn(req.method, routeTaken(req, path, app), path, partition);
  } catch (error) {
    trouble('learning where a route commits', error);
  }
}

function differs({ method, route, path, partitions }: RequestFacts, partition: string): string {
  const names = partitions.map((name) => JSON.stringify(name)).join(', ');
  return `${method} ${route ?? path} writes to ${JSON.stringify(partition)}, and the gate was told ${names}: requests are judged by what they do not write to. Spell it as in observe().`;
}

/** How a request is let through. */
export interface Performance {
  /** Who counts it; absent where nobody does. */
  readonly entry?: Entry;
  readonly once?: PerformedOnce | undefined;
  /** Called when it has ended. */
  readonly ended?: (() => void) | undefined;
  /** It would have been postponed. */
  readonly inShadow?: boolean;
}

/** Lets a request through to its route, seen by the drivers, and counts it until it has ended. */
export function performNow(
  parts: PerformParts,
  { req, res, next }: { readonly req: Request; readonly res: ServerResponse; readonly next: NextFunction },
  facts: RequestFacts,
  how: Performance,
): void {
  // Not `req.destroyed`: a request is that too once its body has been read.
  if (res.closed || req.socket.destroyed) {
    // It left while something was looked up. Nobody waits for what it asked.
    how.entry?.finished();
    how.ended?.();
    return;
  }
  requestContext.run(new LiveContext(parts, req, res, facts, how), next);
}

function learnTransactions(
  { transactions, trouble }: PerformParts,
  { method, route, path }: RequestFacts,
  { writes, completion }: LiveContext,
  once: PerformedOnce | undefined,
): void {
  // A transaction that was tried several times was committed once.
  const count =
    once === undefined || completion === undefined ? writes : (completion.committedTransactions ?? 0);
  if (count === 0) return;
  transactions()
    ?.learn(method, route ?? path, count)
    .catch((error: unknown) => trouble('keeping what was learned of a route', error));
}
