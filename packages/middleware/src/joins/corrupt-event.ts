import type { CorruptEvent } from '../options/gate-events.ts';
import type { PerformerEvent } from '../perform/performer-events.ts';

/** What is told of a deferral that the performer refused for its records; undefined for everything else. */
export function corruptEventOf(event: PerformerEvent, group: string): CorruptEvent | undefined {
  if (event.type !== 'parked' || event.error.code !== 'record-corrupt') return undefined;
  const { id, partition, workType, error } = event;
  return { id, group, partition, workType, message: error.message };
}
