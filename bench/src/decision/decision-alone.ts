import type { SlackwaterOptions } from '@slackwater/middleware';
import type { Request } from 'express';
// The gate's parts by themselves: what stands around a decision in the gate is measured by the whole handler.
import { factFinder } from '../../../packages/middleware/dist/answer/find-facts.js';
import { systemClock as clock } from '../../../packages/middleware/dist/clock.js';
import { Admissions } from '../../../packages/middleware/dist/decide/admissions.js';
import { LearnedRoutes } from '../../../packages/middleware/dist/decide/learned-routes.js';
import { routeTable } from '../../../packages/middleware/dist/decide/route-table.js';
import type { Commit } from '../../../packages/middleware/dist/drivers/driver.js';
import { LatencyTable } from '../../../packages/middleware/dist/measure/latency-table.js';
import { resolveOptions } from '../../../packages/middleware/dist/options/resolve-options.js';

/** The two halves of a decision. */
export interface DecisionAlone {
  /** Finds out what a request is, and asks for it. True: it may be performed. */
  decide(req: Request): boolean;
  /** Only asks, for a work type and one of the partitions. */
  ask(partition: number): boolean;
  /** Begins so many commits, whose age then counts too. Gives the way to end them. */
  begin(count: number): () => void;
}

/** Makes the parts that decide, joined as the gate joins them, on partitions whose windows are full of quick commits. */
export async function decisionAlone(
  options: SlackwaterOptions,
  partitions: readonly string[],
): Promise<DecisionAlone> {
  const resolved = resolveOptions(options);
  const { latency, autoThreshold, retryAfterCapMs, maxLearnedRoutes, maxLearnedRouteAgeMs } = resolved;
  const measured = new LatencyTable({ clock, ...latency });
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
    othersOf: undefined,
    sourcesOf: () => [],
    onChange() {},
    onOpening() {},
    onProbeFailed() {},
  });
  measured.onFinished((commit) => admissions.count(commit));
  for (const partition of partitions) {
    for (let n = 0; n < 64; n++) await measured.commit(partition, async () => {});
  }
  const factsOf = factFinder({
    ...{ options: resolved, clock, findRoute: routeTable(resolved.routes) },
    learned: new LearnedRoutes({ clock, maxRoutes: maxLearnedRoutes, maxAgeMs: maxLearnedRouteAgeMs }),
    wouldPerform: (rank, partition) => admissions.wouldPerform(rank, partition),
    failed() {},
  });
  const rank = resolved.workTypes.findIndex(({ exempt }) => !exempt);
  const places = partitions.map((partition) => [partition]);
  return {
    decide(req) {
      const facts = factsOf(req);
      return !('then' in facts) && admissions.ask(facts.rank, facts.partitions).perform;
    },
    ask: (partition) => admissions.ask(rank, places[partition] ?? []).perform,
    begin(count) {
      const rest = { kind: 'explicit', context: undefined, durationMs: 0, outcome: undefined } as const;
      const [partition = ''] = partitions;
      const begun: Commit[] = Array.from({ length: count }, () => ({
        partition,
        startedAt: clock.now(),
        ...rest,
      }));
      for (const commit of begun) measured.begin(commit);
      return () => {
        for (const commit of begun) measured.finish(Object.assign(commit, { outcome: 'committed' }));
      };
    },
  };
}
