import type { Request } from 'express';
import type { Clock } from '../clock.ts';
import type { RouteMatch } from '../decide/route-table.ts';
import type { OfRequest } from '../options/options.ts';
import type { ResolvedOptions, RouteRule, WorkTypePolicy } from '../options/resolved.ts';
import { asked } from './asked.ts';
import { type LearnedSources, learnedPartitions } from './learned-partitions.ts';
import { andThen, isPromise } from './maybe-async.ts';
import { type Order, type Place, type RequestFacts, wholeFacts } from './request-facts.ts';

/** What facts are found with. */
export interface FactSources extends LearnedSources {
  readonly options: Pick<ResolvedOptions, 'workTypes' | 'defaultWorkType' | 'classify' | 'partition'>;
  readonly clock: Pick<Clock, 'after'>;
  readonly findRoute: (method: string, path: string) => RouteMatch<RouteRule> | undefined;
  /** A function among the options threw, or gave what it may not. */
  readonly failed: (option: string, error: unknown) => void;
}

/** The facts that are the same for every request which a rule matches, as long as the work type is not changed. */
type Fixed = Pick<RequestFacts, 'rank' | 'partitions' | 'partitionsSaid'>;

const noParams: Request['params'] = Object.freeze({});
const nowhere: Place = { partitions: [], partitionsSaid: false };
const unordered: Order = { orderKey: undefined, orderUnknown: false };
const orderUnknown: Order = { orderKey: undefined, orderUnknown: true };

/** Longer order keys are refused. */
const mostCharacters = 1_000;

/** Longer names of partitions are refused. */
const mostPartitionCharacters = 200;

/** Stands for the rank that a function failed to say. */
const unsaidRank = -1;

const safeMethods: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS']);

/**
 * Makes the function that finds the facts of a request; it gives them at once where no option has to be awaited. An option
 * that fails is told of and counts as one that says nothing.
 */
export function factFinder(sources: FactSources): (req: Request) => RequestFacts | Promise<RequestFacts> {
  const { options, clock, findRoute, failed } = sources;
  // What is said of a work type may change from one request to the next; names and order do not.
  const ranks = new Map(options.workTypes.map(({ name }, rank) => [name, rank]));
  const fallback = ranks.get(options.defaultWorkType) ?? 0;
  const asksNothing = options.classify === undefined && options.partition === undefined;
  /** As many as there are rules. */
  const fixed = new Map<RouteRule, Fixed | 'asked'>();
  /** By method and path, of requests of which everything is known beforehand: as many as there are rules without parameters. */
  const known = new Map<string, Map<string, RequestFacts>>();

  function policyAt(rank: number): WorkTypePolicy {
    const policy = options.workTypes[rank];
    if (policy === undefined) throw new RangeError(`There is no work type of rank ${rank}.`);
    return policy;
  }

  function fixedOf(rule: RouteRule): Fixed | undefined {
    let found = fixed.get(rule);
    if (found === undefined) {
      found = whatIsFixed(rule) ?? 'asked';
      fixed.set(rule, found);
    }
    return found === 'asked' ? undefined : found;
  }

  /** Undefined where something must be asked of each request. */
  function whatIsFixed({ workType, partition, orderKey }: RouteRule): Fixed | undefined {
    const rank = typeof workType === 'string' ? ranks.get(workType) : undefined;
    if (rank === undefined || orderKey !== undefined) return undefined;
    if (policyAt(rank).exempt) return { rank, ...nowhere };
    const partitions = typeof partition === 'string' ? [partition] : partition;
    const isSaid = Array.isArray(partitions) && partitions.every(isPartition);
    return isSaid ? { rank, partitions, partitionsSaid: true } : undefined;
  }

  function ask<Value>(
    option: string,
    value: OfRequest<Value, never>,
    req: Request,
    whenFailed: () => void = () => {},
  ): Value | undefined | Promise<Value | undefined> {
    if (typeof value !== 'function') return value;
    const onFailed = (error: unknown): undefined => {
      failed(option, error);
      whenFailed();
    };
    try {
      const answer = (value as (req: Request) => Value | Promise<Value>)(req);
      return isPromise(answer) ? asked(clock, option, () => answer).catch(onFailed) : answer;
    } catch (error) {
      return onFailed(error);
    }
  }

  function named(option: string, name: unknown, whenFailed: () => void): number | undefined {
    if (name === undefined) return undefined;
    const found = typeof name === 'string' ? ranks.get(name) : undefined;
    if (found === undefined) {
      failed(option, new RangeError(`${said(name)} is no work type`));
      whenFailed();
    }
    return found;
  }

  function partitionsOf(
    req: Request,
    rule: RouteRule | undefined,
    path: string,
    rank: number,
  ): Place | Promise<Place> {
    const own = rule?.partition === undefined ? undefined : ask('routes.partition', rule.partition, req);
    const given = andThen(own, (value) => value ?? ask('partition', options.partition, req));
    return andThen(given, (value) => {
      if (value === undefined) {
        return { partitions: learnedPartitions(sources, req, path, rank), partitionsSaid: false };
      }
      const partitions = typeof value === 'string' ? [value] : value;
      if (Array.isArray(partitions) && partitions.every(isPartition)) {
        return { partitions, partitionsSaid: true };
      }
      failed('partition', new RangeError(`${said(value)} is no partition`));
      return nowhere;
    });
  }

  function workTypeOf(
    req: Request,
    rule: RouteRule | undefined,
  ): number | undefined | Promise<number | undefined> {
    let isUnknown = false;
    const whenFailed = (): void => {
      isUnknown = true;
    };
    const own =
      rule?.workType === undefined ? undefined : ask('routes.workType', rule.workType, req, whenFailed);
    const found = andThen(own, (name) => {
      if (name !== undefined) return named('routes.workType', name, whenFailed);
      return options.classify === undefined
        ? undefined
        : andThen(ask('classify', options.classify, req, whenFailed), (other) =>
            named('classify', other, whenFailed),
          );
    });
    return andThen(found, (rank) => rank ?? (isUnknown ? unsaidRank : undefined));
  }

  function orderOf(req: Request, rule: RouteRule | undefined): Order | Promise<Order> {
    if (rule?.orderKey === undefined) return unordered;
    let isUnknown = false;
    const asked = ask('routes.orderKey', rule.orderKey, req, () => {
      isUnknown = true;
    });
    return andThen(asked, (key) => {
      if (isUnknown) return orderUnknown;
      if (key === undefined || key === '') return unordered;
      if (typeof key === 'string' && key.length <= mostCharacters) {
        return { orderKey: key, orderUnknown: false };
      }
      failed('routes.orderKey', new RangeError(`${said(key)} is no order key`));
      return orderUnknown;
    });
  }

  function fixedFacts(
    method: string,
    path: string,
    { route: rule, exact }: RouteMatch<RouteRule>,
  ): RequestFacts | undefined {
    const alike = fixedOf(rule);
    if (alike === undefined) return undefined;
    const { rank } = alike;
    const workType = policyAt(rank);
    const base = { method, path, route: rule.pattern, workType, workTypeUnknown: false, rank, claimed: true };
    const facts = wholeFacts(base, alike, unordered);
    if (exact) {
      const ofMethod = known.get(method) ?? new Map<string, RequestFacts>();
      known.set(method, ofMethod.set(path, facts));
    }
    return facts;
  }

  /** Of a request that no rule speaks of, where there is no function to ask of it: without all the waiting that might be. */
  function unruledFacts(req: Request, method: string, path: string): RequestFacts {
    const workType = policyAt(fallback);
    const claimed = !safeMethods.has(method);
    const route = undefined;
    const base = { method, path, route, workType, workTypeUnknown: false, rank: fallback, claimed };
    if (!claimed || workType.exempt) return wholeFacts(base, nowhere, unordered);
    const partitions = learnedPartitions(sources, req, path, fallback);
    return wholeFacts(base, { partitions, partitionsSaid: false }, unordered);
  }

  function factsOf(req: Request, method: string, path: string): RequestFacts | Promise<RequestFacts> {
    const match = findRoute(method, path);
    const rule = match?.route;
    if (match !== undefined) {
      req.params = match.params;
      const alike = fixedFacts(method, path, match);
      if (alike !== undefined) return alike;
    } else if (asksNothing) return unruledFacts(req, method, path);
    return andThen(workTypeOf(req, rule), (found) => {
      const workTypeUnknown = found === unsaidRank;
      const isSaid = found !== undefined && !workTypeUnknown;
      const rank = isSaid ? found : fallback;
      const workType = policyAt(rank);
      const claimed = isSaid || !safeMethods.has(method);
      const base = { method, path, route: rule?.pattern, workType, workTypeUnknown, rank, claimed };
      // Nothing more is asked of what will not be judged.
      if (!claimed || workType.exempt) return wholeFacts(base, nowhere, unordered);
      return andThen(partitionsOf(req, rule, path, rank), (place) => {
        return andThen(orderOf(req, rule), (order) => wholeFacts(base, place, order));
      });
    });
  }

  return (req) => {
    const { method } = req;
    const path = pathOf(req);
    const before = known.get(method)?.get(path);
    if (before === undefined || before.workType !== options.workTypes[before.rank]) {
      return factsOf(req, method, path);
    }
    req.params = noParams;
    return before;
  };
}

function isPartition(value: unknown): boolean {
  return typeof value === 'string' && value !== '' && value.length <= mostPartitionCharacters;
}

/**
 * By Express's own reading: what it takes for one path, such as `http://host/path` and `/path#fragment`, must be one here
 * too, or it would pass unjudged.
 */
function pathOf({ baseUrl, path, originalUrl }: Request): string {
  if (typeof path === 'string') return baseUrl + path;
  const end = originalUrl.indexOf('?');
  return end === -1 ? originalUrl : originalUrl.slice(0, end);
}

function said(value: unknown): string {
  return typeof value === 'string'
    ? JSON.stringify(value.slice(0, 60))
    : `what it gave, of type ${typeof value},`;
}
