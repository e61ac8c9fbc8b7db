import type { ServerResponse } from 'node:http';
import { createProblem, isSlackwaterError } from '@slackwater/shared';
import type { Request } from 'express';
import { sendNotFound, sendProblem } from '../send.ts';
import { getPartitions } from './administration.ts';
import { getBatches } from './batches.ts';
import type { ResourceParts } from './contract.ts';
import { getDecisions } from './decisions.ts';
import { deleteDeferral, getDeferral } from './deferral.ts';
import { getDeferralCounts } from './deferral-counts.ts';
import { getEntries } from './deferral-entries.ts';
import { getDeferrals } from './deferral-list.ts';
import { deleteDefinition, getDefinition, getDefinitions, putDefinition } from './definitions.ts';
import type { ResourceHandler } from './exchange.ts';
import { getGroups } from './groups.ts';
import { getHealth } from './health.ts';
import { type HeldOpen, heldOpenUpTo } from './held-open.ts';
import { postInputs } from './inputs.ts';
import { getBlock, getCheckpoint, getRotations, getTile } from './ledger.ts';
import { resourceLimits } from './limits.ts';
import { getMapping, getMappingOf } from './mapping.ts';
import { matchPath, type PathPattern } from './match-path.ts';
import { getMetrics } from './metrics.ts';
import { getOperation } from './operation-report.ts';
import { getOutcome } from './outcome.ts';
import { getReceipt, getRecord } from './proof.ts';
import { drainQueue, getQueues, putQueue } from './queues.ts';
import { redriveMany, redriveOne } from './redrive.ts';
import { deleteRequester } from './requester.ts';
import { sendTrouble, tellTrouble } from './trouble.ts';
import { deleteWorkType, getWorkType, getWorkTypes, putWorkType, putWorkTypes } from './work-types.ts';

/** Answers one request below the base path. Never rejects. */
export type Resources = (req: Request, res: ServerResponse, pathBelowBase: string) => Promise<void>;

interface Resource {
  readonly path: PathPattern;
  /** What there has to be for it to exist at all. */
  readonly needs?: 'verifyToken' | 'records' | 'metrics';
  readonly methods: ReadonlyMap<string, ResourceHandler>;
}

const table: readonly Resource[] = [
  resource('/metrics', { GET: getMetrics }, 'metrics'),
  resource('/health', { GET: getHealth }),
  resource('/deferrals', { GET: getDeferrals }, 'verifyToken'),
  resource('/deferrals/counts', { GET: getDeferralCounts }, 'verifyToken'),
  // No id is spelled like it.
  resource('/deferrals/groups', { GET: getGroups }, 'verifyToken'),
  resource('/deferrals/redrive', { POST: redriveMany }, 'verifyToken'),
  resource('/deferrals/:id', { GET: getDeferral, DELETE: deleteDeferral }, 'records'),
  resource('/deferrals/:id/redrive', { POST: redriveOne }, 'verifyToken'),
  resource('/deferrals/:id/inputs', { POST: postInputs }, 'records'),
  resource('/deferrals/:id/outcome', { GET: getOutcome }, 'records'),
  resource('/deferrals/:id/record', { GET: getRecord }, 'records'),
  resource('/deferrals/:id/entries', { GET: getEntries }, 'records'),
  resource('/deferrals/:id/mapping', { GET: getMappingOf }, 'records'),
  resource('/operations/definitions', { GET: getDefinitions }, 'verifyToken'),
  resource(
    '/operations/definitions/:name',
    { GET: getDefinition, PUT: putDefinition, DELETE: deleteDefinition },
    'verifyToken',
  ),
  resource('/operations/:id', { GET: getOperation }, 'verifyToken'),
  resource('/mapping', { GET: getMapping }, 'verifyToken'),
  resource('/deferrals/:id/receipt', { GET: getReceipt }, 'records'),
  resource('/ledger/:group/checkpoint', { GET: getCheckpoint }, 'records'),
  resource('/ledger/:group/rotations', { GET: getRotations }, 'records'),
  resource('/ledger/:group/blocks/:height', { GET: getBlock }, 'records'),
  resource('/ledger/:group/tile/*tile', { GET: getTile }, 'records'),
  resource('/decisions', { GET: getDecisions }, 'verifyToken'),
  resource('/batches', { GET: getBatches }, 'verifyToken'),
  resource('/queues', { GET: getQueues }, 'verifyToken'),
  resource('/queues/:group', { PUT: putQueue }, 'verifyToken'),
  resource('/queues/:group/drain', { POST: drainQueue }, 'verifyToken'),
  resource('/queues/:group/partitions/:partition', { PUT: putQueue }, 'verifyToken'),
  resource('/queues/:group/partitions/:partition/drain', { POST: drainQueue }, 'verifyToken'),
  resource('/requesters/:requester', { DELETE: deleteRequester }, 'records'),
  resource('/partitions', { GET: getPartitions }, 'verifyToken'),
  resource('/work-types', { GET: getWorkTypes, PUT: putWorkTypes }, 'verifyToken'),
  resource(
    '/work-types/:name',
    { GET: getWorkType, PUT: putWorkType, DELETE: deleteWorkType },
    'verifyToken',
  ),
];

/**
 * The gate's own resources. `pathBelowBase` is the path of the request without the base path and without its query,
 * which is read from `req.url`.
 */
export function createResources(
  parts: ResourceParts,
  heldOpen: HeldOpen = heldOpenUpTo(resourceLimits.heldOpen),
): Resources {
  return async (req, res, pathBelowBase) => {
    try {
      const matched = find(parts, pathBelowBase);
      if (matched === undefined) return sendNotFound(res);
      const { methods, params } = matched;
      const handler = methods.get(req.method === 'HEAD' ? 'GET' : req.method);
      if (handler === undefined) return sendMethodNotAllowed(res, methods);
      await handler({ parts, req, res, params, query: queryOf(req.url), heldOpen });
    } catch (error) {
      if (!isCallersFault(error)) {
        tellTrouble(parts, `answering ${req.method} ${routeOf(pathBelowBase)}`, error);
      }
      sendTrouble(res, error);
    }
  };
}

/** What callers did wrong is no trouble of the gate's. */
function isCallersFault(error: unknown): boolean {
  return isSlackwaterError(error) && error.code === 'parameter-invalid';
}

function find(
  parts: ResourceParts,
  path: string,
): (Pick<Resource, 'methods'> & { readonly params: Readonly<Record<string, string>> }) | undefined {
  for (const { path: pattern, needs, methods } of table) {
    const params = matchPath(pattern, path);
    if (params !== undefined)
      return needs !== undefined && parts[needs] === undefined ? undefined : { methods, params };
  }
  return undefined;
}

function resource(
  path: string,
  handlers: Readonly<Record<string, ResourceHandler>>,
  needs?: Resource['needs'],
): Resource {
  const methods = new Map(Object.entries(handlers));
  return { path: path.split('/').slice(1), methods, ...(needs === undefined ? {} : { needs }) };
}

/** The pattern of a path, for messages: paths may hold what is nobody's business. */
function routeOf(path: string): string {
  const found = table.find((one) => matchPath(one.path, path) !== undefined);
  return `/${found?.path.join('/') ?? '...'}`;
}

function sendMethodNotAllowed(res: ServerResponse, methods: Resource['methods']): void {
  const allowed = [...methods.keys()].flatMap((method) => (method === 'GET' ? ['GET', 'HEAD'] : [method]));
  const detail = `This resource has ${allowed.join(', ')}.`;
  sendProblem(res, createProblem('method-not-allowed', detail), { Allow: allowed.join(', ') });
}

function queryOf(url: string): URLSearchParams {
  const start = url.indexOf('?');
  return new URLSearchParams(start === -1 ? '' : url.slice(start + 1));
}
