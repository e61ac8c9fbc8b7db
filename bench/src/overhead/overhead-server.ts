/** One route, and somebody in front of it or around it. */
import { slackwater } from '@slackwater/middleware';
import { ConsecutiveBreaker, circuitBreaker, handleAll } from 'cockatiel';
import express, { type RequestHandler } from 'express';
import { rateLimit } from 'express-rate-limit';
import CircuitBreaker from 'opossum';
import protect from 'overload-protection';
import { RateLimiterMemory } from 'rate-limiter-flexible';
import { answerCalls } from '../child.ts';
import { listen } from '../listen.ts';
import { scratchFolder } from '../scratch.ts';
import { partition, usualOptions } from '../work-types.ts';
import { type Contender, never } from './contenders.ts';

/** What it can be asked. */
export interface OverheadServer {
  url(): Promise<string>;
}

const answer: RequestHandler = (req, res) => {
  res.status(201).json({ id: 1, reference: req.body.reference });
};

/** What comes before the body is parsed. */
async function inFrontOf(contender: Contender): Promise<RequestHandler | undefined> {
  switch (contender) {
    case 'Slackwater':
      return healthyGate();
    case 'express-rate-limit':
      return rateLimit({ windowMs: never.windowMs, limit: never.requests });
    case 'rate-limiter-flexible':
      return limitFlexibly();
    case 'overload-protection':
      return protect('express', {
        ...{ production: true, clientRetrySecs: 1, maxEventLoopDelay: never.delayMs },
      });
    default:
      return undefined;
  }
}

/** The handler itself, or what a breaker makes of it. */
function around(contender: Contender): RequestHandler {
  if (contender === 'opossum') {
    const breaker = new CircuitBreaker(
      async (...[req, res, next]: Parameters<RequestHandler>) => answer(req, res, next),
      { timeout: never.delayMs },
    );
    return async (...exchange) => breaker.fire(...exchange);
  }
  if (contender === 'cockatiel') {
    const breaker = circuitBreaker(handleAll, { halfOpenAfter: 1_000, breaker: new ConsecutiveBreaker(5) });
    return async (...exchange) => breaker.execute(() => answer(...exchange));
  }
  return answer;
}

async function healthyGate(): Promise<RequestHandler> {
  const gate = slackwater(usualOptions(scratchFolder()));
  const commit = (): Promise<void> => gate.latency.commit(partition, async () => {});
  for (let n = 0; n < 64; n++) await commit();
  // As a healthy application commits, now and then.
  setInterval(() => void commit(), 20);
  return gate;
}

function limitFlexibly(): RequestHandler {
  const limiter = new RateLimiterMemory({ points: never.requests, duration: never.windowMs / 1_000 });
  return (req, res, next) => {
    limiter.consume(req.ip ?? '').then(
      () => next(),
      () => void res.status(429).end(),
    );
  };
}

await answerCalls<OverheadServer>(async (contender: Contender) => {
  const app = express();
  const front = await inFrontOf(contender);
  if (front !== undefined) app.use(front);
  app.post('/orders', express.json(), around(contender));
  const address = await listen(app);
  return { url: async () => `${address}/orders` };
});
