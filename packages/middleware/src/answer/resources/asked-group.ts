import type { Records } from './contract.ts';
import type { ListHome } from './list-query.ts';

/** Whose deferrals can be listed. */
export function homesOf(records: readonly Records[]): ListHome {
  return {
    application: records[0]?.home.application ?? '',
    groups: records.map(({ home }) => home.group),
  };
}

/** The group that a query names, which was checked before; the only one where it names none. */
export function askedGroup(records: readonly Records[], params: URLSearchParams): Records {
  const name = params.get('group');
  const found = records.find(({ home }) => name === null || home.group === name);
  if (found === undefined) throw new RangeError('The query was not checked: it names no group.');
  return found;
}
