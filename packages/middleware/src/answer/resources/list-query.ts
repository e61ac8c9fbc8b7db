import { deferralStatuses } from '@slackwater/shared';
import type { DeferralQuery } from '../../ledger/deferral.ts';
import { resourceLimits } from './limits.ts';

/** A query as it was meant, or what is wrong with it, for people. */
export type ParsedQuery =
  | { readonly kind: 'query'; readonly query: DeferralQuery }
  | { readonly kind: 'fault'; readonly detail: string };

const names = ['status', 'workType', 'partition', 'requester', 'limit', 'cursor'] as const;
const ulid = /^[0-7][0-9A-HJKMNP-TV-Z]{25}$/;
const digits = /^[0-9]{1,4}$/;

/** Reads the filters of `GET /deferrals`. A filter that is not known is refused: a list that ignored it would lie. */
export function parseListQuery(params: URLSearchParams, defaultLimit: number): ParsedQuery {
  const fault = faultOf(params);
  if (fault !== undefined) return { kind: 'fault', detail: fault };
  const status = deferralStatuses.find((known) => known === params.get('status'));
  const text = (name: 'workType' | 'partition' | 'requester' | 'cursor'): Partial<DeferralQuery> => {
    const value = params.get(name);
    return value === null ? {} : { [name]: value };
  };
  const query = {
    limit: Number(params.get('limit') ?? defaultLimit),
    ...(status === undefined ? {} : { status }),
    ...text('workType'),
    ...text('partition'),
    ...text('requester'),
    ...text('cursor'),
  };
  return { kind: 'query', query };
}

function faultOf(params: URLSearchParams): string | undefined {
  for (const name of new Set(params.keys())) {
    if (!names.some((known) => known === name)) {
      return `${shown(name)} is no parameter of this list; it takes ${names.join(', ')}.`;
    }
    const [value = '', another] = params.getAll(name);
    if (another !== undefined) return `${name} is given more than once; give one value.`;
    const expected = expectation(name, value);
    if (expected !== undefined) return `${name}: ${shown(value)} is not ${expected}.`;
  }
  return undefined;
}

function expectation(name: string, value: string): string | undefined {
  switch (name) {
    case 'status':
      return deferralStatuses.some((status) => status === value)
        ? undefined
        : `one of ${deferralStatuses.join(', ')}`;
    case 'limit': {
      const inRange = digits.test(value) && Number(value) >= 1 && Number(value) <= resourceLimits.pageMost;
      return inRange ? undefined : `a whole number from 1 to ${resourceLimits.pageMost}`;
    }
    case 'cursor':
      return ulid.test(value) ? undefined : 'the "next" of the page before, as it came';
    default:
      return value.length >= 1 && value.length <= resourceLimits.filterCharacters
        ? undefined
        : `a text of 1 to ${resourceLimits.filterCharacters} characters`;
  }
}

const shownCharacters = 100;

function shown(value: string): string {
  const isLong = value.length > shownCharacters;
  return JSON.stringify(isLong ? `${value.slice(0, shownCharacters)}...` : value);
}
