import { ServerResponse } from 'node:http';
import { manualClock } from '@slackwater/test-support/manual-clock';
import type { Request } from 'express';
import { describe, expect, it } from 'vitest';
import { defer } from '../../../packages/middleware/src/answer/defer.ts';
import { factFinder } from '../../../packages/middleware/src/answer/find-facts.ts';
import type { GateParts, Recorder } from '../../../packages/middleware/src/answer/gate-parts.ts';
import type { RequestFacts } from '../../../packages/middleware/src/answer/request-facts.ts';
import { requesterOf } from '../../../packages/middleware/src/answer/requester.ts';
import { LearnedRoutes } from '../../../packages/middleware/src/decide/learned-routes.ts';
import type { SlackwaterOptions } from '../../../packages/middleware/src/options/options.ts';
import { resolveOptions } from '../../../packages/middleware/src/options/resolve-options.ts';

// The 5 s of the injected clock pass when the test says so.

const never = (): Promise<never> => new Promise(() => {});
const req = {
  method: 'POST',
  originalUrl: '/orders',
  headers: {},
  socket: {},
  get: () => undefined,
} as unknown as Request;

/** Lets everything run that does not wait for the clock. */
async function idle(): Promise<void> {
  for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve));
}

function asking(options: SlackwaterOptions): {
  readonly parts: Pick<GateParts, 'options' | 'clock' | 'warn' | 'trouble'>;
  readonly told: string[];
  readonly factsOf: (of: Request) => RequestFacts | Promise<RequestFacts>;
  readonly inFiveSeconds: <Value>(work: Promise<Value> | Value) => Promise<Value>;
} {
  const clock = manualClock();
  const told: string[] = [];
  const resolved = resolveOptions(options);
  const [route] = resolved.routes;
  return {
    told,
    parts: { options: resolved, clock, warn: () => {}, trouble: (doing) => told.push(doing) },
    factsOf: factFinder({
      options: resolved,
      clock,
      findRoute: () => route && { route, params: {}, exact: false },
      learned: new LearnedRoutes({ clock, maxRoutes: 10, maxAgeMs: 60_000 }),
      wouldPerform: () => true,
      failed: (option) => told.push(option),
    }),
    async inFiveSeconds(work) {
      let done = false;
      const ending = Promise.resolve(work).finally(() => {
        done = true;
      });
      for (let asked = 0; asked < 5 && !done; asked++) {
        await idle();
        clock.advance(5_000);
      }
      return ending;
    },
  };
}

describe('a function among the options that never answers', () => {
  it.each(['classify', 'partition'] as const)('counts as one that says nothing: %s', async (option) => {
    const { factsOf, told, inFiveSeconds } = asking({ [option]: never });
    const facts = await inFiveSeconds(factsOf(req));
    expect(facts).toMatchObject({ workType: { name: 'default' }, partitions: [] });
    expect(told).toEqual([option]);
  });

  it('leaves the order of a request unknown: orderKey', async () => {
    const { factsOf, told, inFiveSeconds } = asking({ routes: { 'POST /orders': { orderKey: never } } });
    expect(await inFiveSeconds(factsOf(req))).toMatchObject({ orderUnknown: true });
    expect(told).toEqual(['routes.orderKey']);
  });

  it('knows nobody: requester', async () => {
    const { parts, told, inFiveSeconds } = asking({ requester: never });
    expect(await inFiveSeconds(requesterOf(parts, req))).toEqual({ name: undefined, failed: true });
    expect(told).toEqual(['asking for the requester']);
  });

  it.each(['capture', 'validate'])('has the request asked to retry later: %s', async (option) => {
    const capturing = option === 'capture' ? { capture: never, restore: () => {} } : {};
    const { factsOf, parts, told, inFiveSeconds } = asking(capturing);
    const facts = await factsOf(req);
    const validate = option === 'validate' ? never : undefined;
    const wish = {
      ...{
        req,
        res: new ServerResponse(req),
        facts: { ...facts, workType: { ...facts.workType, validate } },
        partition: 'orders',
      },
      ...{ requester: 'ann', recorder: undefined, idempotencyKey: undefined, reasons: [], before: true },
    };
    const nowhere: Recorder = {
      home: { application: 'asking', group: 'default', durable: 'fsync' },
      ledger: never,
      enqueued: () => {},
      pollAfterMs: () => 0,
    };
    const recorders = { of: () => nowhere, others: () => [], completionsOf: () => undefined };
    const result = await inFiveSeconds(defer(parts, recorders, wish, () => []));
    expect(result).toEqual({ kind: 'not-deferred', reason: 'option-function-failed' });
    expect(told).toHaveLength(1);
  });
});
