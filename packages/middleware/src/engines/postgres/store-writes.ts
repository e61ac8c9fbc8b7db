import { joined } from './byte-pieces.ts';
import { isOneCalls } from './failures.ts';
import { GroupedCalls } from './grouped-calls.ts';
import { numberIn } from './row-values.ts';
import { type Scope, serverNow } from './scope.ts';

/** A write to the key-value store. */
export interface StoreWrite {
  readonly key: string;
  readonly value: Uint8Array;
  readonly expiresAt: number | null;
  /** Which revision it must have; 0 where that is not asked. */
  readonly revision: number;
}

/** Writes of one kind, performed together: gives each the new revision, or undefined where it changed nothing. */
export type StoreWrites = GroupedCalls<StoreWrite, number | undefined>;

const live = `(s.expires_at IS NULL OR s.expires_at > ${serverNow})`;

/** Keys are taken in their order, so that no two transactions wait for each other. */
const call = `call AS MATERIALIZED (
    SELECT key, substr($2::bytea, at, length) AS value, expires_at, revision
    FROM unnest($3::text[], $4::integer[], $5::integer[], $6::bigint[], $7::bigint[])
      AS call (key, at, length, expires_at, revision)
    ORDER BY key COLLATE "C"
  )`;

const locked = (schema: string): string => `locked AS MATERIALIZED (
    SELECT s.key FROM ${schema}.store AS s WHERE s.scope = $1 AND s.key = ANY (ARRAY(SELECT key FROM call))
    ORDER BY s.key FOR UPDATE
  )`;

/** The three kinds of writes that set a value. */
export function storeWrites(scope: Scope): Readonly<Record<'create' | 'put' | 'update', StoreWrites>> {
  const { schema } = scope;
  const insert = `INSERT INTO ${schema}.store AS s (scope, key, value, revision, expires_at)
    SELECT $1, key, value, nextval('${schema}.ticket'), expires_at FROM call
    ON CONFLICT (scope, key) DO UPDATE
      SET value = excluded.value, revision = excluded.revision, expires_at = excluded.expires_at`;
  return {
    create: writes(scope, `WITH ${call} ${insert} WHERE NOT ${live} RETURNING s.key, s.revision`),
    put: writes(scope, `WITH ${call} ${insert} RETURNING s.key, s.revision`),
    update: writes(
      scope,
      `WITH ${call}, ${locked(schema)}
       UPDATE ${schema}.store AS s
       SET value = call.value, revision = nextval('${schema}.ticket'), expires_at = call.expires_at
       FROM call
       WHERE s.scope = $1 AND s.key = ANY (ARRAY(SELECT key FROM locked)) AND s.key = call.key AND s.revision = call.revision AND ${live}
       RETURNING s.key, s.revision`,
    ),
  };
}

function writes({ id, transactions }: Scope, sql: string): StoreWrites {
  return new GroupedCalls({
    isOneCalls,
    keyOf: ({ key }) => key,
    perform: async (calls) => {
      const { bytes, ats, lengths } = joined(calls.map(({ value }) => value));
      const columns = [
        calls.map(({ key }) => key),
        ats,
        lengths,
        calls.map(({ expiresAt }) => expiresAt),
        calls.map(({ revision }) => revision),
      ];
      const rows = await transactions.write((query) => query(sql, [id, bytes, ...columns]));
      const revisions = new Map(rows.map((row) => [row['key'], numberIn(row, 'revision')]));
      return calls.map(({ key }) => revisions.get(key));
    },
  });
}

/** Deletions, performed together: gives each whether it was done. */
export function storeDeletions({
  id,
  schema,
  transactions,
}: Scope): GroupedCalls<Pick<StoreWrite, 'key' | 'revision'>, boolean> {
  const sql = `
    WITH call AS MATERIALIZED (
      SELECT key, revision FROM unnest($2::text[], $3::bigint[]) AS call (key, revision)
    ), ${locked(schema)}
    DELETE FROM ${schema}.store AS s USING call
    WHERE s.scope = $1 AND s.key = ANY (ARRAY(SELECT key FROM locked)) AND s.key = call.key AND call.revision IN (0, s.revision) AND ${live}
    RETURNING s.key`;
  return new GroupedCalls({
    isOneCalls,
    keyOf: ({ key }) => key,
    perform: async (calls) => {
      const columns = [calls.map(({ key }) => key), calls.map(({ revision }) => revision)];
      const rows = await transactions.write((query) => query(sql, [id, ...columns]));
      const deleted = new Set(rows.map((row) => row['key']));
      return calls.map(({ key }) => deleted.has(key));
    },
  });
}
