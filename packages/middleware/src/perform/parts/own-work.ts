import { ownMethods } from '@slackwater/shared';
import type { Deferral } from '../../ledger/deferral.ts';
import type { Compensate, PartOptions } from './part-options.ts';

/** What the application registered beside its routes. */
export interface OwnHandlers {
  part(name: string): PartOptions | undefined;
  /** That of a work type. */
  compensation(workType: string): Compensate | undefined;
}

/** What the performer asks about deferrals that are no requests. */
export interface OwnWork {
  readonly handlers: OwnHandlers;
  /** Whether this process performs the request, by the id that its parts have for it. */
  isUnderWay(parent: string): boolean;
}

/** Nothing is registered. */
export const noOwnWork: OwnWork = {
  handlers: { part: () => undefined, compensation: () => undefined },
  isUnderWay: () => false,
};

type Named = Pick<Deferral, 'method' | 'route' | 'workType'>;

/** Whether a deferral is the compensation of another. */
export function isCompensation({ method }: Pick<Deferral, 'method'>): boolean {
  return method === ownMethods.compensation;
}

/** Whether a deferral is performed by what the application registered, and not through its routes. */
export function isOwn({ method }: Pick<Deferral, 'method'>): boolean {
  return method === ownMethods.part || method === ownMethods.compensation;
}

/** Whether this process has what a deferral is performed by. Of requests the application tells. */
export function hasHandler({ part, compensation }: OwnHandlers, { method, route, workType }: Named): boolean {
  if (method === ownMethods.part) return part(route) !== undefined;
  return method !== ownMethods.compensation || compensation(workType) !== undefined;
}
