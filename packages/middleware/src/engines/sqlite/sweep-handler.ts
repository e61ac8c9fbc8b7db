import type { DatabaseSync } from 'node:sqlite';
import type { Handlers } from './handlers.ts';

/** Values may be large, and each page of one has to be found to be freed. */
const valuesPerSweep = 100;
const itemsPerSweep = 500;

/** Deletes what has expired in the tables of one scope, a bounded piece at a time. */
export function sweepHandler(database: DatabaseSync, scope: number): Handlers<'sweep'> {
  const values = database.prepare(
    `DELETE FROM store_${scope} WHERE id IN
       (SELECT id FROM store_${scope} WHERE expires_at IS NOT NULL AND expires_at <= ? LIMIT ${valuesPerSweep})`,
  );
  const items = database.prepare(
    `DELETE FROM queue_${scope} WHERE number IN
       (SELECT number FROM queue_${scope} WHERE state IN ('settled', 'dead') AND until <= ? LIMIT ${itemsPerSweep})`,
  );
  return {
    sweep([, now]) {
      const sweptValues = Number(values.run(now).changes);
      const sweptItems = Number(items.run(now).changes);
      return { value: sweptValues === valuesPerSweep || sweptItems === itemsPerSweep };
    },
  };
}
