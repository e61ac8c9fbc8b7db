/**
 * Prefixes of what the ledger has in the store that is made again where it is missing: states, changed work types,
 * tiles, and how far they were compared with the log, or old records deleted. All else is kept nowhere but there.
 */
export const cachePrefixes: readonly string[] = [
  'deferral/',
  'recovery/',
  'retention/',
  'tile/',
  'work-types/',
];
