import type { StreamConfig, StreamInfo } from '@nats-io/jetstream';
import type { Clock } from '../../clock.ts';
import { EngineError } from '../engine-error.ts';
import type { Api } from './api.ts';
import type { Connection } from './connection.ts';
import { failureOf, isUnanswered } from './failures.ts';
import { type FindStream, findStreams } from './find-stream.ts';
import { inParallel } from './in-parallel.ts';
import type { Names } from './names.ts';
import type { NatsEngineOptions } from './nats-options.ts';

// Five streams: the log, the key-value store with its bundles, the queue, and the wrapped keys, which no backup of the others has. Servers before 2.10 keep no metadata with a stream, so its
// description says whose it is. What is there is used as it is or refused, never changed.

type Room = keyof Names['streams'];

/** Without what is refused here a stream would forget, or let somebody change, what it must keep. Its size: room-left.ts. None may be purged: see `removeOne` in api.ts. */
type Essential = Pick<
  StreamConfig,
  | 'subjects'
  | 'retention'
  | 'storage'
  | 'discard'
  | 'max_msgs_per_subject'
  | 'max_age'
  | 'max_msgs'
  | 'max_bytes'
  | 'deny_delete'
> & { readonly deny_purge: boolean };

const rooms: readonly Room[] = ['log', 'bundles', 'store', 'queue', 'keys'];
const replicasOfCluster = 3;
const mostTries = 12;
/** And twice, three times ... as long: some thirteen seconds in all, about as long as a leader is awaited. */
const betweenTriesMs = 200;
/** Those that lose a compare-and-set stay behind the one that won, which so many of them would push out. */
const keptPerSubject = 64;

/**
 * Makes the streams that are not there and checks those that are. Resolves with how many servers keep the log. In a cluster each
 * new one waits for an election, so all are made at the same time, and none before those that are there were found to be right.
 */
export async function ensureStreams(
  connection: Connection,
  api: Api,
  names: Names,
  clock: Clock,
  { replicas }: Pick<NatsEngineOptions, 'replicas'>,
): Promise<number> {
  const isCluster = connection.nats.info?.cluster !== undefined;
  const wanted = replicas ?? (isCluster ? replicasOfCluster : 1);
  const find = findStreams(api, clock);
  const infos = new Map<Room, StreamInfo>();
  await inParallel(rooms, rooms.length, async (room) => {
    const info = await find(names.streams[room]);
    if (info === undefined) return;
    check(info, names, room, replicas);
    infos.set(room, info);
  });
  const missing = rooms.filter((room) => !infos.has(room));
  await inParallel(missing, missing.length, async (room) => {
    const info = await make(api, find, names, clock, room, wanted);
    check(info, names, room, replicas);
    infos.set(room, info);
  });
  return infos.get('log')?.config.num_replicas ?? wanted;
}

function essential(names: Names, room: Room): Essential {
  const common = {
    retention: 'limits',
    storage: 'file',
    discard: 'new',
    max_age: 0,
    max_msgs: -1,
    max_bytes: -1,
  } as const;
  switch (room) {
    case 'log':
      return {
        ...common,
        subjects: [names.logSubject],
        max_msgs_per_subject: -1,
        deny_delete: true,
        deny_purge: true,
      };
    case 'bundles':
      return {
        ...common,
        subjects: [names.bundleSubject],
        max_msgs_per_subject: -1,
        deny_delete: false,
        deny_purge: true,
      };
    case 'store':
      return {
        ...common,
        subjects: [names.storeSubject('>'), names.chunkSubject('*', '>')],
        max_msgs_per_subject: keptPerSubject,
        deny_delete: false,
        deny_purge: true,
      };
    case 'queue':
      return {
        ...common,
        subjects: [names.queueSubjects],
        max_msgs_per_subject: keptPerSubject,
        deny_delete: false,
        deny_purge: true,
      };
    case 'keys':
      return {
        ...common,
        subjects: [names.wrappedKeySubject('>')],
        max_msgs_per_subject: keptPerSubject,
        deny_delete: false,
        deny_purge: true,
      };
    default:
      return room satisfies never;
  }
}

function markOf(names: Names, room: Room): string {
  return `Slackwater 1: ${room} of ${names.owner}`;
}

async function make(
  api: Api,
  find: FindStream,
  names: Names,
  clock: Clock,
  room: Room,
  replicas: number,
): Promise<StreamInfo> {
  const name = names.streams[room];
  for (let tries = 1; ; tries++) {
    const failure = await add(api, names, room, replicas);
    // Another host may have made it in the same moment; whoever made it, it is of use once it has a leader.
    const mayBeThere = failure === undefined || isUnanswered(failure);
    const made = await find(name).catch((error: unknown) => {
      if (mayBeThere) throw error;
    });
    if (made !== undefined) return made;
    if (!mayBeThere || tries === mostTries)
      throw failureOf(
        failure ?? 'the stream was made and is not shown',
        `Making the stream ${name} with ${replicas} replicas`,
        true,
      );
    // The server that leads them all answers from what it has taken in so far, which may be less than was agreed on.
    await new Promise<void>((resolve) => clock.after(tries * betweenTriesMs, resolve));
  }
}

/** Gives why it could not be made, as far as is known. */
async function add({ questions }: Api, names: Names, room: Room, replicas: number): Promise<unknown> {
  try {
    // Making what is there with the same settings changes nothing, so a lost answer is not waited for.
    await questions.streams.add({
      name: names.streams[room],
      description: markOf(names, room),
      num_replicas: replicas,
      ...essential(names, room),
    } as StreamConfig);
    return undefined;
  } catch (error) {
    return error;
  }
}

function check({ config }: StreamInfo, names: Names, room: Room, replicas: number | undefined): void {
  const name = names.streams[room];
  if (config.description !== markOf(names, room)) {
    throw notOurs(
      name,
      `it is described as ${JSON.stringify(config.description ?? '')}, not as "${markOf(names, room)}"`,
    );
  }
  for (const [setting, value] of Object.entries(essential(names, room))) {
    const found: unknown = config[setting as keyof StreamConfig] ?? false;
    if (JSON.stringify(found) !== JSON.stringify(value)) {
      throw notOurs(name, `its ${setting} is ${JSON.stringify(found)} and must be ${JSON.stringify(value)}`);
    }
  }
  if (replicas !== undefined && config.num_replicas !== replicas) {
    throw notOurs(
      name,
      `${config.num_replicas} servers keep it and the option "replicas" says ${replicas}; change the option, or the stream with: nats stream edit ${name} --replicas=${replicas}`,
    );
  }
}

function notOurs(name: string, problem: string): EngineError {
  return new EngineError(
    'engine-corrupt',
    'none',
    `The stream ${name} can't be used: ${problem}. Nothing was changed. Give the engine another prefix, or put the stream right.`,
  );
}
