import { readFileSync } from 'node:fs';

const page = readFileSync(new URL('../../../../docs/postgres-engine-schema.md', import.meta.url), 'utf8');
const [tables = '', grants = ''] = [...page.matchAll(/^```sql\n([\s\S]*?)^```/gm)].map(([, sql]) => sql);

const inSchema = (sql: string, schema: string): string => sql.replaceAll(/\bslackwater\b/g, schema);

/** What docs/postgres-engine-schema.md has for a migration. */
export const documentedTables = (schema: string): string => inSchema(tables, schema);

/** What it grants to the application's role. */
export const documentedGrants = (schema: string, role: string): string =>
  inSchema(grants, schema).replaceAll(/\bapp\b/g, role);
