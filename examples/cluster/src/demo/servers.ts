import { type JetStreamManager, jetstreamManager } from '@nats-io/jetstream';
import { connect } from '@nats-io/transport-node';
import type { NatsCluster } from '@slackwater/test-support/nats';

/** The NATS servers as they are seen from outside. */
export interface Servers {
  /** Name of the server that leads the ledger's log; undefined while none does. */
  readonly leader: string | undefined;
  readonly streams: readonly StreamView[];
  /** Names of the servers that were killed and not started again. */
  readonly down: ReadonlySet<string>;
  kill(name: string): Promise<void>;
  start(name: string): Promise<void>;
  close(): Promise<void>;
}

/** One of the streams that the engine made. */
export interface StreamView {
  /** `log`, `store` or `queue`. */
  readonly name: string;
  readonly messages: number;
  readonly bytes: number;
}

const lookEveryMs = 500;
const answerWithinMs = 1_000;

/** Looks at the servers now and then, through a connection of its own. */
export async function watchServers(cluster: NatsCluster): Promise<Servers> {
  const connection = await connect({
    servers: cluster.servers,
    maxReconnectAttempts: -1,
    reconnectTimeWait: 250,
    pingInterval: 1_000,
    name: 'demo',
  });
  const manager = await jetstreamManager(connection, { timeout: answerWithinMs, checkAPI: false });
  const down = new Set<string>();
  let leader: string | undefined;
  let streams: readonly StreamView[] = [];
  let looking = false;

  async function look(): Promise<void> {
    if (looking) return;
    looking = true;
    try {
      ({ leader, streams } = await lookAt(manager));
    } catch {
      leader = undefined;
    } finally {
      looking = false;
    }
  }

  function nodeOf(name: string): NatsCluster['nodes'][number] {
    const node = cluster.nodes.find((one) => one.name === name);
    if (node === undefined) throw new Error(`There is no server ${name}.`);
    return node;
  }

  const timer = setInterval(() => void look(), lookEveryMs);
  return {
    get leader() {
      return leader !== undefined && down.has(leader) ? undefined : leader;
    },
    get streams() {
      return streams;
    },
    down,
    async kill(name) {
      const node = nodeOf(name);
      down.add(name);
      await node.kill();
    },
    async start(name) {
      if (!down.has(name)) return;
      await nodeOf(name).restart();
      down.delete(name);
    },
    async close() {
      clearInterval(timer);
      await connection.close();
    },
  };
}

async function lookAt(
  manager: JetStreamManager,
): Promise<{ readonly leader: string | undefined; readonly streams: readonly StreamView[] }> {
  const infos = await manager.streams.list().next();
  const log = infos.find(({ config }) => roomOf(config.name) === 'log');
  return {
    leader: log?.cluster?.leader,
    streams: infos
      .map(({ config, state }) => ({
        name: roomOf(config.name),
        messages: state.messages,
        bytes: state.bytes,
      }))
      .toSorted((a, b) => a.name.localeCompare(b.name)),
  };
}

/** `slackwater_shop_main_1a2b3c4d_LOG` */
function roomOf(stream: string): string {
  if (stream.startsWith('KV_')) return 'store';
  return stream.slice(stream.lastIndexOf('_') + 1).toLowerCase();
}
