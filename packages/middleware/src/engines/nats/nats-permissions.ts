import { namesOf } from './names.ts';

/** Whose permissions {@link natsPermissions} lists. */
export interface NatsPermissionsOptions {
  /** The gate's `application`. */
  readonly application: string;
  /** The gate's resource group. Default: `main`. */
  readonly group?: string;
  /** The engine's `prefix`. Default: `slackwater`. */
  readonly prefix?: string;
  /** Whether the user may also make the streams. Without it somebody else has made them before. Default: true. */
  readonly create?: boolean;
}

/** Subjects that a user of NATS must be allowed, as a server's configuration has them. */
export interface NatsPermissions {
  readonly publish: readonly string[];
  readonly subscribe: readonly string[];
}

/** All that the engine's user needs for one application and group: nobody needs to allow it more. */
export function natsPermissions({
  application,
  group = 'main',
  prefix = 'slackwater',
  create = true,
}: NatsPermissionsOptions): NatsPermissions {
  const names = namesOf(prefix, application, group);
  const { bundles, store, queue, keys } = names.streams;
  const ofEach = Object.values(names.streams).flatMap((stream) => [
    `$JS.API.STREAM.INFO.${stream}`,
    `$JS.API.STREAM.MSG.GET.${stream}`,
    `$JS.API.CONSUMER.CREATE.${stream}.>`,
    `$JS.API.CONSUMER.DELETE.${stream}.*`,
    `$JS.API.CONSUMER.MSG.NEXT.${stream}.*`,
    ...(create ? [`$JS.API.STREAM.CREATE.${stream}`] : []),
  ]);
  return {
    publish: [
      names.logSubject,
      names.bundleSubject,
      names.storeSubject('>'),
      names.chunkSubject('*', '>'),
      names.queueSubjects,
      names.wrappedKeySubject('>'),
      ...ofEach,
      `$JS.API.STREAM.MSG.DELETE.${bundles}`,
      `$JS.API.STREAM.MSG.DELETE.${store}`,
      `$JS.API.STREAM.MSG.DELETE.${queue}`,
      `$JS.API.STREAM.MSG.DELETE.${keys}`,
      // Answers to the server's flow control of the consumers above.
      '$JS.FC.>',
    ],
    subscribe: ['_INBOX.>'],
  };
}
