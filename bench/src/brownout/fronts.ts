import { slackwater, sqliteEngine } from '@slackwater/middleware';
import { observe } from '@slackwater/middleware/pg';
import type { ErrorRequestHandler, RequestHandler } from 'express';
import { rateLimit } from 'express-rate-limit';
import CircuitBreaker from 'opossum';
import protect from 'overload-protection';
import type pg from 'pg';
import { scratchFolder } from '../scratch.ts';
import type { Contender } from './scenario.ts';
import { best, retryAfterS } from './settings.ts';

/** What stands in front of the routes, and around what they do. */
export interface Front {
  readonly middleware?: RequestHandler;
  /** Does the work of a route, or rejects instead. */
  guard(work: () => Promise<void>): Promise<void>;
  readonly errors: ErrorRequestHandler;
}

/** Puts a contender in front of an application with this pool. */
export function frontOf(contender: Contender, pool: pg.Pool): Front {
  const plain: Front = { guard: (work) => work(), errors: answerError };
  switch (contender) {
    case 'bare Express':
      return plain;
    case 'overload-protection':
      return {
        ...plain,
        middleware: protect('express', {
          ...{ production: true, clientRetrySecs: retryAfterS, maxEventLoopDelay: 42 },
        }),
      };
    case 'opossum':
      return { ...plain, guard: guardByBreaker() };
    case 'express-rate-limit':
      return { ...plain, middleware: limitRate() };
    case 'fixed concurrency limit':
      return { ...plain, middleware: limitConcurrency(best.concurrency) };
    case 'Slackwater':
      return { ...plain, middleware: gateFor(pool) };
  }
}

const answerError: ErrorRequestHandler = (error: unknown, _req, res, _next) => {
  if (CircuitBreaker.isOurError(error)) res.set('Retry-After', String(retryAfterS));
  res.status(503).json({ error: String(error) });
};

function guardByBreaker(): Front['guard'] {
  const breaker = new CircuitBreaker((work: () => Promise<void>) => work(), {
    ...{ timeout: best.breakerTimeoutMs, errorThresholdPercentage: 50, resetTimeout: 1_000 },
    ...{ rollingCountTimeout: 5_000, volumeThreshold: 10 },
  });
  return (work) => breaker.fire(work);
}

function limitRate(): RequestHandler {
  return rateLimit({
    ...{ windowMs: 1_000, limit: best.perSecond, keyGenerator: () => 'all', validate: false },
    ...{ standardHeaders: 'draft-8', legacyHeaders: false },
  });
}

function limitConcurrency(most: number): RequestHandler {
  let underWay = 0;
  return (_req, res, next) => {
    if (underWay >= most) {
      res.status(503).set('Retry-After', String(retryAfterS)).end();
      return;
    }
    underWay += 1;
    res.once('close', () => {
      underWay -= 1;
    });
    next();
  };
}

function gateFor(pool: pg.Pool): RequestHandler {
  const partition = 'main';
  observe(pool, { partition, ensure: true });
  return slackwater({
    application: 'brownout',
    workTypes: {
      payment: { priority: 1, exempt: true },
      order: { priority: 2, thresholdMs: 150, whenOver: 'defer' },
      report: { priority: 3, thresholdMs: 150, whenOver: 'retry-later' },
    },
    routes: {
      'POST /payments': { workType: 'payment', partition },
      'POST /orders': { workType: 'order', partition },
      'POST /reports': { workType: 'report', partition },
    },
    requester: (req) => req.get('x-customer'),
    engine: sqliteEngine({ directory: scratchFolder() }),
  });
}
