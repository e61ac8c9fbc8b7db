import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { fileURLToPath } from 'node:url';

const program = fileURLToPath(new URL('../../examples/shop/src/serve.ts', import.meta.url));
const listensWithinMs = 20_000;

/** What stays the same from one life of the shop to the next. */
export interface ShopPlace {
  readonly connectionString: string;
  readonly ledgerDirectory: string;
  readonly port: number;
  readonly leaseMs: number;
}

/** The example shop in a process of its own, on the built packages. */
export interface ShopProcess {
  /** Resolves with what it says when it listens; undefined where it ended before. */
  readonly listening: Promise<{ readonly address: string; readonly verifierKey: string } | undefined>;
  /** What it wrote to standard error. */
  readonly complaints: () => string;
  /** Whether it ended by itself. */
  readonly ended: () => boolean;
  /** SIGKILL; resolves when it is gone. */
  kill(): Promise<void>;
}

export function startShop({ connectionString, ledgerDirectory, port, leaseMs }: ShopPlace): ShopProcess {
  const child = spawn(
    process.execPath,
    [program, `--ledger=${ledgerDirectory}`, `--port=${port}`, `--lease-ms=${leaseMs}`],
    { env: { ...process.env, DATABASE_URL: connectionString }, stdio: ['ignore', 'pipe', 'pipe'] },
  );
  const gone = once(child, 'close');
  let complaints = '';
  child.stderr.on('data', (chunk: Buffer) => {
    complaints += chunk.toString();
  });
  return {
    listening: firstLine(child, gone),
    complaints: () => complaints,
    ended: () => child.exitCode !== null,
    async kill() {
      child.kill('SIGKILL');
      await gone;
    },
  };
}

async function firstLine(
  child: ChildProcess,
  gone: Promise<unknown>,
): Promise<{ address: string; verifierKey: string } | undefined> {
  let text = '';
  const line = new Promise<string>((resolve) => {
    child.stdout?.on('data', (chunk: Buffer) => {
      text += chunk.toString();
      if (text.includes('\n')) resolve(text);
    });
  });
  const late = AbortSignal.timeout(listensWithinMs);
  const timedOut = once(late, 'abort');
  const said = await Promise.race([line, gone, timedOut]);
  return typeof said === 'string'
    ? (JSON.parse(said) as { address: string; verifierKey: string })
    : undefined;
}

/** A port that is free now; the shop takes it again after each kill. */
export async function freePort(): Promise<number> {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string') throw new Error('No free port was found.');
  return address.port;
}
