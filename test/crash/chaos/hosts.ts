import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { freePort } from '@slackwater/test-support/free-port';
import { type ServerProcess, startServer } from '../server-process.ts';

const program = fileURLToPath(new URL('chaos-host.ts', import.meta.url));
const leaseMs = 1_500;
/** Where it could not open, as without its database. */
const againMs = 200;
const opensWithinMs = 60_000;

/** A host that is started again whatever becomes of it. */
export interface KeptHost {
  readonly address: string;
  /** SIGKILL, and a new one in its place. */
  kill(): Promise<void>;
  /** SIGSTOP for so long. */
  pauseFor(ms: number): Promise<void>;
  /** Resolves with its verifier key when it listens; rejects where it does not. */
  listening(): Promise<string>;
  /** Ends it for good. */
  end(): Promise<void>;
}

/** Keeps a host of a shop running. */
export async function keepHost(directory: string, databaseUrl: string): Promise<KeptHost> {
  const port = await freePort();
  let server: ServerProcess = start();
  let ended = false;
  const tending = tend();

  function start(): ServerProcess {
    const args = ['--no-warnings', program, directory, String(port), String(leaseMs)];
    return startServer(args, { DATABASE_URL: databaseUrl });
  }

  async function tend(): Promise<void> {
    while (!ended) {
      if (server.ended()) server = start();
      await sleep(againMs);
    }
  }

  return {
    address: `http://127.0.0.1:${port}`,
    async kill() {
      const killed = server;
      await killed.kill();
      // It may have ended by itself a moment before, and be tended to already.
      if (!ended && server === killed) server = start();
    },
    async pauseFor(ms) {
      const paused = server;
      paused.pause();
      await sleep(ms);
      paused.resume();
    },
    async listening() {
      for (const deadline = Date.now() + opensWithinMs; Date.now() < deadline; ) {
        const said = await server.listening;
        if (said !== undefined) return said.verifierKey;
        await sleep(againMs);
      }
      throw new Error(`A host did not open: ${server.complaints()}`);
    },
    async end() {
      ended = true;
      await tending;
      server.resume();
      await server.kill();
    },
  };
}
