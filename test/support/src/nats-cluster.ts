import { mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type JetStreamManager, jetstreamManager } from '@nats-io/jetstream';
import { type ConnectionOptions, connect } from '@nats-io/transport-node';
import { freePort } from './free-port.ts';
import { type Guard, startGuard } from './guard.ts';
import { type NatsProcess, natsProcess } from './nats-process.ts';
import type { NatsOptions } from './nats-settings.ts';
import { dataParent } from './postgres-data.ts';

/** What `startNatsCluster` may be told. */
export interface NatsClusterOptions extends NatsOptions {
  /** How many servers; default 3. */
  readonly servers?: number;
  /** Whether clients are told of the other servers, as NATS has it; default true. `false` where they must keep to a proxy. */
  readonly advertise?: boolean;
  /** How the helper itself connects, where `auth` or `tls` ask for more than an address. */
  readonly connectWith?: Omit<ConnectionOptions, 'servers'>;
}

/** One server of a cluster. */
export interface NatsNode {
  readonly name: string;
  /** `host:port`, as `connect({ servers })` wants it. */
  readonly address: string;
  readonly storeDirectory: string;
  /** Processor time since it was started last, µs; undefined where the system does not tell. */
  processorUs(): number | undefined;
  /** SIGKILL; resolves when it is gone. The data stay. */
  kill(): Promise<void>;
  /** SIGSTOP: connections stay open and nobody answers. Resolves when it is so. */
  pause(): Promise<void>;
  /** SIGCONT. */
  resume(): void;
  /** Ends it if it runs, and starts it again on the same port and data; resolves when it takes connections. */
  restart(): Promise<void>;
}

/** A cluster of NATS servers with JetStream of the caller's own. */
export interface NatsCluster {
  /** The addresses of all, as `connect({ servers })` wants them. */
  readonly servers: string[];
  readonly nodes: readonly NatsNode[];
  /** The node that leads a stream; waits until one does that is awake. */
  leaderOf(stream: string): Promise<NatsNode>;
  /**
   * Resolves when every node of a stream that is awake has all of it. Until then a node that has come back is
   * no help against the loss of another.
   */
  caughtUp(stream: string): Promise<void>;
  /** Ends all and removes their folder. May be called twice. */
  stop(): Promise<void>;
}

// Servers that can't hear each other hold elections of up to ten seconds, several of them if need be.
const readyWithinMs = 60_000;
const answerWithinMs = 1_000;
const pollMs = 20;

interface Member extends NatsNode {
  readonly process: NatsProcess;
}

/**
 * Starts a cluster of NATS servers with JetStream on loopback; resolves when streams that are replicated to all
 * of them can be made. Ends and rejects as `startNats` does.
 */
export async function startNatsCluster(options: NatsClusterOptions = {}): Promise<NatsCluster> {
  const directory = mkdtempSync(join(dataParent(), 'slackwater-nats-'));
  const guard = startGuard(directory);
  const nodes = await members(directory, guard, options);
  async function stop(): Promise<void> {
    await Promise.all(nodes.map((node) => node.process.kill()));
    guard.dismiss();
    rmSync(directory, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
  }
  try {
    await startAll(nodes, options);
    await canReplicate(nodes, options);
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    servers: nodes.map(({ address }) => address),
    nodes,
    leaderOf: (stream) => leaderOf(stream, nodes, options),
    caughtUp: (stream) => caughtUp(stream, nodes, options),
    stop,
  };
}

async function members(
  directory: string,
  guard: Guard,
  { servers = 3, advertise = true, ...options }: NatsClusterOptions,
): Promise<readonly Member[]> {
  const ports = await Promise.all(Array.from({ length: servers }, freePort));
  const routes = await Promise.all(Array.from({ length: servers }, freePort));
  return ports.map((port, index) => {
    const name = `nats-${index + 1}`;
    const storeDirectory = join(directory, name);
    const cluster = { port: routes[index] ?? 0, routes, advertise };
    const process = natsProcess({ name, port, directory, storeDirectory, cluster }, guard);
    return {
      name,
      address: `127.0.0.1:${port}`,
      storeDirectory,
      process,
      processorUs: () => process.processorUs(),
      kill: () => process.kill(),
      pause: () => process.pause(),
      resume: () => process.resume(),
      async restart() {
        await process.end();
        await process.start(options);
      },
    };
  });
}

/** Waits for all, also where one fails: none must come up after the rest have been ended. */
async function startAll(nodes: readonly Member[], options: NatsClusterOptions): Promise<void> {
  const attempts = await Promise.allSettled(nodes.map((node) => node.process.start(options)));
  const failed = attempts.find((attempt) => attempt.status === 'rejected');
  if (failed !== undefined) throw failed.reason;
}

/** Only a stream that was made, and a message that it took, show that the servers have found each other. */
async function canReplicate(nodes: readonly Member[], options: NatsClusterOptions): Promise<void> {
  const name = 'slackwater-cluster-probe';
  await untilAnswered('no stream can be replicated to all', nodes, options, async (manager) => {
    await manager.streams.add({ name, subjects: [name], num_replicas: nodes.length, max_bytes: 1024 });
    await manager.jetstream().publish(name, '');
    await manager.streams.delete(name);
    return true;
  });
}

function leaderOf(stream: string, nodes: readonly Member[], options: NatsClusterOptions): Promise<NatsNode> {
  return untilAnswered(`the stream ${stream} has no leader`, nodes, options, async (manager) => {
    const { cluster } = await manager.streams.info(stream);
    return nodes.find(({ name, process }) => name === cluster?.leader && process.awake);
  });
}

async function caughtUp(
  stream: string,
  nodes: readonly Member[],
  options: NatsClusterOptions,
): Promise<void> {
  const awake = (name: string): boolean => nodes.some((node) => node.name === name && node.process.awake);
  await untilAnswered(`the stream ${stream} is not replicated`, nodes, options, async (manager) => {
    const { cluster } = await manager.streams.info(stream);
    if (cluster?.leader === undefined || !awake(cluster.leader)) return undefined;
    const replicas = (cluster.replicas ?? []).filter(({ name }) => awake(name));
    return replicas.every(({ current, offline }) => current && offline !== true) ? true : undefined;
  });
}

/** Asks the servers that are awake, one after another, until one has an answer. */
async function untilAnswered<Answer>(
  trouble: string,
  nodes: readonly Member[],
  { connectWith = {} }: NatsClusterOptions,
  ask: (manager: JetStreamManager) => Promise<Answer | undefined>,
): Promise<Answer> {
  const deadline = Date.now() + readyWithinMs;
  let cause: unknown;
  for (;;) {
    for (const { address } of nodes.filter(({ process }) => process.awake)) {
      const answer = await askOne({ ...connectWith, servers: address }, ask).catch((error: unknown) => {
        cause = error;
      });
      if (answer !== undefined) return answer;
    }
    if (Date.now() > deadline)
      throw new Error(`The NATS cluster is not ready: ${trouble} after ${readyWithinMs} ms.`, { cause });
    await sleep(pollMs);
  }
}

async function askOne<Answer>(
  address: ConnectionOptions,
  ask: (manager: JetStreamManager) => Promise<Answer>,
): Promise<Answer> {
  const connection = await connect({
    ...address,
    timeout: answerWithinMs,
    reconnect: false,
    ignoreClusterUpdates: true,
  });
  try {
    return await ask(await jetstreamManager(connection, { timeout: answerWithinMs, checkAPI: false }));
  } finally {
    await connection.close();
  }
}
