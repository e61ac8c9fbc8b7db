import { engineLimits } from '../limits.ts';
import type { Claim, ClaimOptions } from '../queue.ts';
import { inColumn, nameIn } from './names.ts';
import { numberIn, type Row } from './row-values.ts';
import { type Scope, serverNow } from './scope.ts';

/** Of each priority as many items are made ready as a claim can take, and many more: they need not be due again. */
const readyPerPriority = 10 * engineLimits.itemsPerClaim;

const claimed = 'q.id, q.partition, q.priority, q.position, q.order_key, q.names, q.not_before, q.token';

/** Claims items of one partition, the best first. Two that claim at once pass over each other's items. */
export function claiming({ id, schema, transactions }: Scope): (options: ClaimOptions) => Promise<Claim[]> {
  const nextPriority = (than: string): string => `
    (SELECT q.priority FROM ${schema}.queue AS q
     WHERE q.scope = $1 AND q.partition = $2 AND q.state = 'waiting' AND q.priority > ${than} ORDER BY q.priority LIMIT 1)`;
  const makeReady = `
    WITH RECURSIVE waiting (priority) AS (
      SELECT ${nextPriority('0')} UNION ALL SELECT ${nextPriority('waiting.priority')} FROM waiting WHERE priority IS NOT NULL
    ), due AS MATERIALIZED (
      SELECT item.id FROM waiting CROSS JOIN LATERAL (
        SELECT q.id FROM ${schema}.queue AS q
        WHERE q.scope = $1 AND q.partition = $2 AND q.state = 'waiting' AND q.priority = waiting.priority
          AND q.until <= ${serverNow}
        ORDER BY q.position LIMIT ${readyPerPriority} FOR UPDATE SKIP LOCKED
      ) AS item
    )
    UPDATE ${schema}.queue AS q SET state = 'ready' WHERE q.scope = $1 AND q.id = ANY (ARRAY(SELECT id FROM due))`;
  const claim = `
    WITH best AS MATERIALIZED (
      SELECT q.id FROM ${schema}.queue AS q WHERE q.scope = $1 AND q.partition = $2 AND q.state = 'ready'
      ORDER BY q.priority, q.position LIMIT $3 FOR UPDATE SKIP LOCKED
    )
    UPDATE ${schema}.queue AS q
    SET state = 'waiting', until = ${serverNow} + $4, token = nextval('${schema}.ticket'), holder = $5
    WHERE q.scope = $1 AND q.id = ANY (ARRAY(SELECT id FROM best))
    RETURNING ${claimed}`;

  return async ({ partition, limit, leaseMs, holder }) => {
    const name = inColumn(partition);
    const rows = await transactions.write(async (query) => {
      await query(makeReady, [id, name]);
      return await query(claim, [id, name, limit, leaseMs, inColumn(holder)]);
    });
    return rows.map(toClaim).toSorted((one, other) => {
      return one.priority - other.priority || one.position - other.position;
    });
  };
}

/** Claims one item, due or not, that nobody holds and that is the first of its order key. */
export function claimingOne({
  id: scopeId,
  schema,
  transactions,
}: Scope): (id: string, leaseMs: number, holder: string) => Promise<Claim | undefined> {
  const sql = `
    UPDATE ${schema}.queue AS q
    SET state = 'waiting', until = ${serverNow} + $3, token = nextval('${schema}.ticket'), holder = $4
    WHERE q.scope = $1 AND q.id = $2 AND q.state <> 'blocked' AND (q.holder IS NULL OR q.until <= ${serverNow})
    RETURNING ${claimed}`;
  return async (id, leaseMs, holder) => {
    const rows = await transactions.write((query) => query(sql, [scopeId, id, leaseMs, inColumn(holder)]));
    return rows.map(toClaim)[0];
  };
}

function toClaim(row: Row): Claim {
  const notBefore = numberIn(row, 'not_before');
  return {
    id: nameIn(row, 'id'),
    partition: nameIn(row, 'partition'),
    priority: numberIn(row, 'priority') ?? 0,
    position: numberIn(row, 'position') ?? 0,
    token: numberIn(row, 'token') ?? 0,
    ...(row['order_key'] === null ? {} : { orderKey: nameIn(row, 'order_key') }),
    ...(notBefore === undefined ? {} : { notBefore }),
  };
}
