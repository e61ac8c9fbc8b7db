import { deferralPhases, deferralStatuses } from '@slackwater/shared';
import type { CountDimension, CountQuery, IndexQuery } from '../../audit/index/contract.ts';
import { resourceLimits } from './limits.ts';

/** A query as it was meant, or what is wrong with it, for people. */
export type Parsed<Query> =
  | { readonly kind: 'query'; readonly query: Query }
  | { readonly kind: 'fault'; readonly detail: string };

/** Whose deferrals are listed: those of others can't be asked for here. */
export interface ListHome {
  readonly application: string;
  /** Each has a list of its own. */
  readonly groups: readonly string[];
}

const states = ['status', 'phase', 'corrupt'] as const;
const texts = ['workType', 'partition', 'requester', 'method', 'route'] as const;
const times = ['createdFrom', 'createdBefore'] as const;
const home = ['application', 'group'] as const;
const paging = ['limit', 'cursor'] as const;
const listNames = [...states, ...texts, ...times, ...home, ...paging];
const countNames = ['by', ...listNames];
const dimensions: readonly CountDimension[] = [
  'status',
  'phase',
  'workType',
  'partition',
  'requester',
  'operation',
];

const cursorPattern = /^[0-9]{1,15}-[0-9]{1,15}-[0-9a-f]{8}$/;
const digits = /^[0-9]{1,4}$/;
const time = /^\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d(?:\.\d{1,3})?)?(?:Z|[+-]\d\d:\d\d)$/;

/** Reads the filters of `GET /deferrals`. A filter that is not known is refused: a list that ignored it would lie. */
export function parseListQuery(
  params: URLSearchParams,
  defaultLimit: number,
  of: ListHome,
): Parsed<IndexQuery> {
  const fault = faultOf(params, listNames, of);
  if (fault !== undefined) return { kind: 'fault', detail: fault };
  const query = {
    ...filters(params),
    limit: Number(params.get('limit') ?? defaultLimit),
  };
  return { kind: 'query', query };
}

/** Reads the filters of `GET /deferrals/counts`. */
export function parseCountQuery(params: URLSearchParams, of: ListHome): Parsed<CountQuery> {
  const fault = faultOf(params, countNames, of);
  if (fault !== undefined) return { kind: 'fault', detail: fault };
  const asked = (params.get('by') ?? 'status').split(',');
  const known = dimensions.filter((one) => asked.includes(one));
  const [only = 'status', ...others] = known.toSorted((a, b) => asked.indexOf(a) - asked.indexOf(b));
  const by = others.length === 0 ? only : [only, ...others];
  const limit = Number(params.get('limit') ?? resourceLimits.pageDefault);
  return { kind: 'query', query: { ...filters(params), by, limit } };
}

function filters(params: URLSearchParams): Omit<IndexQuery, 'limit'> {
  const named = ['status', 'phase', ...texts, 'cursor'].flatMap((name) =>
    given(params, name, (value) => value),
  );
  return Object.fromEntries([
    ...named,
    ...given(params, 'corrupt', (value) => value === 'true'),
    ...times.flatMap((name) => given(params, name, Date.parse)),
  ]);
}

function given<Value>(
  params: URLSearchParams,
  name: string,
  read: (value: string) => Value,
): [string, Value][] {
  const value = params.get(name);
  return value === null ? [] : [[name, read(value)]];
}

function faultOf(params: URLSearchParams, names: readonly string[], of: ListHome): string | undefined {
  for (const name of new Set(params.keys())) {
    if (!names.includes(name)) {
      return `${shown(name)} is no parameter of this list; it takes ${names.join(', ')}.`;
    }
    const [value = '', another] = params.getAll(name);
    if (another !== undefined) return `${name} is given more than once; give one value.`;
    const expected = expectation(name, value, of);
    if (expected !== undefined) return `${name}: ${shown(value)} is not ${expected}.`;
  }
  if (of.groups.length > 1 && !params.has('group')) {
    return `group: say which list is meant; give one of ${of.groups.join(', ')}.`;
  }
  return undefined;
}

function expectation(name: string, value: string, of: ListHome): string | undefined {
  switch (name) {
    case 'status':
      return oneOf(deferralStatuses, value);
    case 'phase':
      return oneOf(deferralPhases, value);
    case 'corrupt':
      return oneOf(['true', 'false'], value);
    case 'by':
      return severalOf(dimensions, value);
    case 'application':
      return oneOf([of.application], value);
    case 'group':
      return oneOf(of.groups, value);
    case 'limit': {
      const inRange = digits.test(value) && Number(value) >= 1 && Number(value) <= resourceLimits.pageMost;
      return inRange ? undefined : `a whole number from 1 to ${resourceLimits.pageMost}`;
    }
    case 'createdFrom':
    case 'createdBefore':
      return time.test(value) && !Number.isNaN(Date.parse(value))
        ? undefined
        : 'a time as RFC 3339 has it, such as 2026-11-02T09:00:00Z';
    case 'cursor':
      return cursorPattern.test(value) ? undefined : 'the "next" of the page before, as it came';
    default:
      return value.length >= 1 && value.length <= resourceLimits.filterCharacters
        ? undefined
        : `a text of 1 to ${resourceLimits.filterCharacters} characters`;
  }
}

function oneOf(legal: readonly string[], value: string): string | undefined {
  return legal.includes(value) ? undefined : `one of ${legal.join(', ')}`;
}

/** One of the legal values, or several, each once, with commas between them. */
function severalOf(legal: readonly string[], value: string): string | undefined {
  const given = value.split(',', legal.length + 1);
  const isLegal = given.every((one) => legal.includes(one)) && new Set(given).size === given.length;
  return isLegal ? undefined : `one of ${legal.join(', ')}, or several, with commas between them`;
}

const shownCharacters = 100;

function shown(value: string): string {
  const isLong = value.length > shownCharacters;
  return JSON.stringify(isLong ? `${value.slice(0, shownCharacters)}...` : value);
}
