import { createRequire } from 'node:module';
import { join } from 'node:path';
import { SlackwaterError } from '@slackwater/shared';

/** What the driver patches of `pg`. */
export interface PgModule {
  readonly Client: { readonly prototype: object };
  readonly Pool: { readonly prototype: object };
}

/**
 * The `pg` that the application would load, and the one this package would, where they differ. Throws `peer-missing` where
 * there is none.
 */
export function installedModules(): Set<PgModule> {
  const modules = new Set<PgModule>();
  let cause: unknown;
  for (const from of [import.meta.url, join(process.cwd(), 'package.json')]) {
    try {
      modules.add(createRequire(from)('pg') as PgModule);
    } catch (error) {
      cause = error;
    }
  }
  if (modules.size === 0) {
    throw new SlackwaterError(
      'peer-missing',
      'observe() without a pool needs the package pg: npm install pg.',
      { cause },
    );
  }
  return modules;
}
