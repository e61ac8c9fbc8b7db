import { mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { freePort } from './free-port.ts';
import { startGuard } from './guard.ts';
import { natsProcess } from './nats-process.ts';
import type { NatsOptions } from './nats-settings.ts';
import { dataParent } from './postgres-data.ts';

export {
  type NatsCluster,
  type NatsClusterOptions,
  type NatsNode,
  startNatsCluster,
} from './nats-cluster.ts';
export { type NatsCredentialsOptions, type NatsOperator, natsOperator } from './nats-operator.ts';
export type {
  NatsAuth,
  NatsOperatorSettings,
  NatsOptions,
  NatsPermissions,
  NatsTls,
  NatsUser,
} from './nats-settings.ts';

/** A NATS server with JetStream of the caller's own. */
export interface NatsServer {
  /** Its address, as `connect({ servers })` wants it. */
  readonly servers: string[];
  /** The folder of its streams. */
  readonly storeDirectory: string;
  /** SIGKILL; resolves when it is gone. The data stay. */
  kill(): Promise<void>;
  /** SIGSTOP: connections stay open and nobody answers. Resolves when it is so. */
  pause(): Promise<void>;
  /** SIGCONT. */
  resume(): void;
  /**
   * Ends the server if it runs, and starts it again on the same port and data, with other options where
   * some are given; resolves when it takes connections.
   */
  restart(changed?: NatsOptions): Promise<void>;
  /** Ends the server and removes its folder. May be called twice. */
  stop(): Promise<void>;
}

/**
 * Starts a NATS server with JetStream on loopback, with a folder and a port of its own. It ends with the process
 * that started it, however that one ends, and does not keep it alive. Rejects with one sentence where it can't
 * be started.
 */
export async function startNats(options: NatsOptions = {}): Promise<NatsServer> {
  const directory = mkdtempSync(join(dataParent(), 'slackwater-nats-'));
  const guard = startGuard(directory);
  const remove = (): void => {
    guard.dismiss();
    rmSync(directory, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
  };
  const port = await freePort();
  const storeDirectory = join(directory, 'streams');
  const server = natsProcess({ name: 'nats', port, directory, storeDirectory }, guard);
  try {
    await server.start(options);
  } catch (error) {
    remove();
    throw error;
  }
  return {
    servers: [`127.0.0.1:${port}`],
    storeDirectory,
    kill: () => server.kill(),
    pause: () => server.pause(),
    resume: () => server.resume(),
    async restart(changed = options) {
      await server.end();
      await server.start(changed);
    },
    async stop() {
      await server.kill();
      remove();
    },
  };
}
