/**
 * First segments of the store's keys that are made once for each deferral, and many at a time. An engine whose writes cost
 * a message each may keep such values together; nothing else about them is different.
 */
export const bulkSegments: readonly string[] = ['deferral', 'payload'];

/** Whether a key, or every key with a prefix that ends behind its first segment, is one of these. */
export function isBulkKey(key: string): boolean {
  const slash = key.indexOf('/');
  return slash > 0 && bulkSegments.includes(key.slice(0, slash));
}

/** Whether the values of such keys are text and much alike, so that several are smaller together. */
export function isAlike(key: string): boolean {
  return key.startsWith('deferral/');
}
