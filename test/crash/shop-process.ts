import { fileURLToPath } from 'node:url';
import { type ServerProcess, startServer } from './server-process.ts';

const program = fileURLToPath(new URL('../../examples/shop/src/serve.ts', import.meta.url));

/** What stays the same from one life of the shop to the next. */
export interface ShopPlace {
  readonly connectionString: string;
  readonly ledgerDirectory: string;
  readonly port: number;
  readonly leaseMs: number;
}

/** The example shop in a process of its own, on the built packages. */
export function startShop({ connectionString, ledgerDirectory, port, leaseMs }: ShopPlace): ServerProcess {
  return startServer([program, `--ledger=${ledgerDirectory}`, `--port=${port}`, `--lease-ms=${leaseMs}`], {
    DATABASE_URL: connectionString,
  });
}
