import type { ServerResponse } from 'node:http';
import { formatDecisionHeader, headerNames } from '@slackwater/shared';
import type { Request } from 'express';
import type { Stance } from '../decide/stance.ts';
import type { DecisionEvent } from '../options/gate-events.ts';
import type { GateParts } from './gate-parts.ts';
import type { RequestFacts } from './request-facts.ts';
import { partitionTag } from './retry-later.ts';

/** Says on an answer how it was decided (`Slackwater-Decision`). The partition is an opaque tag, as callers get it elsewhere. */
export function explainOn(res: ServerResponse, application: string, event: DecisionEvent): void {
  if (res.headersSent) return;
  const { partition, valueMs, thresholdMs, ...facts } = event;
  const header = formatDecisionHeader({
    ...facts,
    partition: partition === undefined ? undefined : tagOf(application, partition),
    valueMs: spellable(valueMs),
    thresholdMs: spellable(thresholdMs),
  });
  res.setHeader(headerNames.decision, header);
}

// A mark on the request: a WeakMap takes several times as long.
const stance = Symbol('slackwater.stance');

type Marked = Request & { [stance]?: Stance | undefined };

/** Notes what a request was judged by, where somebody wants to know; to be called before anything else happens. */
export function noteStance(
  { decisionsAreHeard, admissions }: Pick<GateParts, 'decisionsAreHeard' | 'admissions'>,
  { req, facts }: { readonly req: Request; readonly facts: RequestFacts },
  partition: string | undefined,
): void {
  if (partition === undefined || !decisionsAreHeard()) return;
  (req as Marked)[stance] = admissions.stanceOf(facts.rank, partition);
}

/** Where its work type stood when a request was judged; undefined where that was not noted. */
export function stanceOf(req: Request): Stance | undefined {
  return (req as Marked)[stance];
}

/** So many tags are kept, which take a hash to make. */
const mostTags = 1_000;
const tags = new Map<string, string>();

function tagOf(application: string, partition: string): string {
  const key = `${application}\n${partition}`;
  let tag = tags.get(key);
  if (tag === undefined) {
    if (tags.size >= mostTags) tags.clear();
    tag = partitionTag(application, partition);
    tags.set(key, tag);
  }
  return tag;
}

/** A statistic of the application's may give what no structured field can say. */
function spellable(ms: number | undefined): number | undefined {
  return ms !== undefined && ms < 1e12 ? ms : undefined;
}
