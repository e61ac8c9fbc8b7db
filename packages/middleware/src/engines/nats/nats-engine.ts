import type { Engine, EngineOpenOptions, OpenEngine } from '../engine.ts';
import { EngineError } from '../engine-error.ts';
import { givenKeys } from '../given-keys.ts';
import { checkName } from '../limits.ts';
import { openApi } from './api.ts';
import { checkServer } from './check-server.ts';
import { namesOf } from './names.ts';
import { openNatsLog } from './nats-log.ts';
import { checkNatsOptions, type NatsEngineOptions } from './nats-options.ts';
import { openNatsQueue } from './nats-queue.ts';
import { openNatsStore } from './nats-store.ts';
import { natsWrappedKeys } from './nats-wrapped-keys.ts';
import { openCalls } from './open-calls.ts';
import { SharedConnection } from './shared-connection.ts';
import { ensureStreams } from './streams.ts';

export type { NatsEngineOptions, NatsTlsOptions } from './nats-options.ts';
export { type NatsPermissions, type NatsPermissionsOptions, natsPermissions } from './nats-permissions.ts';

/**
 * The engine for many hosts: NATS JetStream, a stream each for log, store, the store's bundles, queue and wrapped keys, kept by three servers where there
 * are so many. `durable` is `quorum`: acknowledged by a majority of those servers. Nats-server 2.9 and newer. Throws
 * `option-invalid`, `option-missing` or `option-unknown`.
 */
export function natsEngine(options: NatsEngineOptions): Engine {
  checkNatsOptions(options);
  const keysOf = givenKeys(options.keys, 'natsEngine');
  const shared = new SharedConnection(options);
  return {
    name: 'nats',
    durable: 'quorum',
    open: (openOptions) => openScope(shared, keysOf, options, openOptions),
  };
}

async function openScope(
  shared: SharedConnection,
  keysOf: (group: string) => Promise<Uint8Array>,
  options: NatsEngineOptions,
  { application, group, clock, onTrouble }: EngineOpenOptions,
): Promise<OpenEngine> {
  checkName('application', application);
  checkName('group', group);
  const names = namesOf(options.prefix ?? 'slackwater', application, group);
  const tell = quietly(onTrouble);
  const taken = await shared.take(tell);
  const { connection } = taken;
  const stops: (() => void | Promise<void>)[] = [];
  const calls = openCalls(clock);

  async function close(): Promise<void> {
    await calls.close();
    for (const stop of stops.splice(0).reverse()) await stop();
    await taken.release();
  }

  try {
    checkServer(connection.nats.info);
    const api = await openApi(connection, clock, options.maxBytes);
    const replicas = await ensureStreams(connection, api, names, clock, options);
    if (replicas < 3) tell('keeping the ledger safe', fewReplicas(names.streams.log, replicas));
    const context = { connection, api, names, clock, onTrouble: tell };
    const log = await openNatsLog(context);
    stops.push(() => log.stop());
    const store = await openNatsStore(context, options.indexDirectory);
    stops.push(() => store.stop());
    const queue = await openNatsQueue(context);
    stops.push(() => queue.stop());
    return {
      durable: 'quorum',
      log: calls.counted(log),
      store: calls.counted(store),
      queue: calls.counted(queue),
      wrappedKeys: calls.counted(natsWrappedKeys(context)),
      ...(options.indexDirectory !== undefined && { localDirectory: options.indexDirectory }),
      keyFile: () => keysOf(group),
      status: () => ({
        connected: connection.connected,
        behind: log.follower.behind + store.behind() + queue.behind(),
      }),
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

type Tell = (doing: string, error: unknown) => void;

/** Whoever listens may throw; that is not the engine's trouble. */
function quietly(onTrouble: EngineOpenOptions['onTrouble']): Tell {
  return (doing, error) => {
    try {
      onTrouble?.(doing, error);
    } catch {
      // said above
    }
  };
}

function fewReplicas(stream: string, replicas: number): EngineError {
  const servers = replicas === 1 ? 'One server keeps' : `${replicas} servers keep`;
  return new EngineError(
    'engine-unavailable',
    'none',
    `${servers} the stream ${stream}: its acknowledgement survives no loss of ${replicas === 1 ? 'that server' : 'one of them'}, nor of its power before the ` +
      'server has synced. For a ledger that matters let three servers keep it.',
  );
}
