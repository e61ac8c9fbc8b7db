import type { SlackwaterOptions } from '@slackwater/middleware';
import type { Request } from 'express';
// The gate's parts by themselves: what stands around a decision in the gate is measured by the whole handler.
import { factFinder } from '../../../packages/middleware/dist/answer/request-facts.js';
import { systemClock as clock } from '../../../packages/middleware/dist/clock.js';
import { Admissions } from '../../../packages/middleware/dist/decide/admissions.js';
import { LearnedRoutes } from '../../../packages/middleware/dist/decide/learned-routes.js';
import { routeTable } from '../../../packages/middleware/dist/decide/route-table.js';
import { LatencyTable } from '../../../packages/middleware/dist/measure/latency-table.js';
import { resolveOptions } from '../../../packages/middleware/dist/options/resolve-options.js';

/** The two halves of a decision. */
export interface DecisionAlone {
  /** Finds out what a request is, and asks for it. True: it may be performed. */
  decide(req: Request): boolean;
  /** Only asks, for a work type and partition that are known. */
  ask(): boolean;
}

/** Makes the parts that decide, joined as the gate joins them, on a partition whose window is full of quick commits. */
export async function decisionAlone(options: SlackwaterOptions, partition: string): Promise<DecisionAlone> {
  const resolved = resolveOptions(options);
  const { latency, autoThreshold, retryAfterCapMs, maxLearnedRoutes, maxLearnedRouteAgeMs } = resolved;
  const measured = new LatencyTable({ clock, ...latency });
  for (let n = 0; n < 64; n++) await measured.commit(partition, async () => {});
  const admissions = new Admissions({
    ...{
      clock,
      measured,
      ...latency,
      autoThreshold,
      retryAfterCapMs,
      random: Math.random,
      ranks: resolved.workTypes,
    },
    othersOf: () => Number.NaN,
    sourcesOf: () => [],
    onChange() {},
    onOpening() {},
    onProbeFailed() {},
  });
  const factsOf = factFinder({
    ...{ options: resolved, clock, findRoute: routeTable(resolved.routes) },
    learned: new LearnedRoutes({ clock, maxRoutes: maxLearnedRoutes, maxAgeMs: maxLearnedRouteAgeMs }),
    wouldPerform: (rank, partition) => admissions.wouldPerform(rank, partition),
    failed() {},
  });
  const rank = resolved.workTypes.findIndex(({ exempt }) => !exempt);
  const partitions = [partition];
  return {
    decide(req) {
      const facts = factsOf(req);
      return !('then' in facts) && admissions.ask(facts.rank, facts.partitions).perform;
    },
    ask: () => admissions.ask(rank, partitions).perform,
  };
}
