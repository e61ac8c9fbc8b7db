import type { Request } from 'express';
import type { LearnedRoutes } from '../decide/learned-routes.ts';
import { routeAhead } from './express-routes.ts';

/** What learned partitions are found with. */
export interface LearnedSources {
  readonly learned: Pick<LearnedRoutes, 'find' | 'of' | 'partitionsOf' | 'hold'>;
  /** Whether a request of that work type would be performed there and now. */
  readonly wouldPerform: (rank: number, partition: string) => boolean;
}

const none: readonly string[] = [];

/**
 * The partitions that requests like this one were seen to commit to; none where it is not known. Paths tell which route it will
 * be handed to, and mostly rightly. Only where it is about to be held back the application itself is asked as well: a route
 * that was never seen to commit is not held back because another one, that was, would match its path too.
 */
export function learnedPartitions(
  { learned, wouldPerform }: LearnedSources,
  req: Request,
  path: string,
  rank: number,
): readonly string[] {
  const { method } = req;
  const likely = learned.find(method, path);
  if (likely === undefined) return none;
  const partitions = learned.partitionsOf(likely);
  if (partitions.every((partition) => wouldPerform(rank, partition))) return partitions;
  const ahead = likely.shape.isOnePath ? undefined : routeAhead(req, method, path);
  const route = ahead === undefined || ahead === likely.shape.identity ? likely : learned.of(method, ahead);
  if (route === undefined) return none;
  learned.hold(route);
  return learned.partitionsOf(route);
}
