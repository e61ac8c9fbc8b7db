import type { Scope } from './scope.ts';

/**
 * Takes an item back from the holder of that token, as it stands on the queue: gives whether it did. Where it was dead-lettered,
 * that is forgotten, so that it may be enqueued.
 */
export function reviving({
  id: scopeId,
  schema,
  transactions,
}: Scope): (id: string, token: number) => Promise<boolean> {
  const takeBack = `
    UPDATE ${schema}.queue AS q SET
      state = CASE q.state WHEN 'blocked' THEN 'blocked' ELSE 'waiting' END,
      until = 0, not_before = NULL, holder = NULL, token = nextval('${schema}.ticket')
    WHERE q.scope = $1 AND q.id = $2 AND q.token = $3 RETURNING q.id`;
  const forget = `DELETE FROM ${schema}.dead_letter WHERE scope = $1 AND id = $2`;
  return async (id, token) =>
    await transactions.write(async (query) => {
      // Whoever is dead-lettering it at this moment is waited for.
      if ((await query(takeBack, [scopeId, id, token])).length > 0) return true;
      await query(forget, [scopeId, id]);
      return false;
    });
}
