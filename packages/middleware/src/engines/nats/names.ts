import { createHash } from 'node:crypto';

/** What one application's resource group is called on the servers. */
export interface Names {
  /** For people: `orders/main`. */
  readonly owner: string;
  readonly streams: {
    readonly log: string;
    readonly bundles: string;
    readonly store: string;
    readonly queue: string;
    readonly keys: string;
  };
  readonly logSubject: string;
  readonly bundleSubject: string;
  /** Of a key of the store; its slashes are dots here, so that a server can filter by the first segments. */
  storeSubject(key: string): string;
  /** The key, or undefined for a subject that is none of the store's. */
  storeKey(subject: string): string | undefined;
  /** Of a wrapped key. */
  wrappedKeySubject(key: string): string;
  /** The wrapped key's name, or undefined for a subject that is none of theirs. */
  wrappedKey(subject: string): string | undefined;
  /** A value that is too long for one message is in pieces under such a subject. */
  chunkSubject(chunks: string, number: number | '>'): string;
  readonly queueSubjects: string;
  queueSubject(id: string): string;
  /** Of items that came together. */
  arrivalSubject(id: string): string;
  isArrival(subject: string): boolean;
  readonly queueClockSubject: string;
}

const readableCharacters = 40;

/**
 * The names. What servers don't allow in one is replaced, and a digest keeps names apart that then look alike. The
 * streams of the store and of the wrapped keys are key-value buckets as NATS's own tools know them.
 */
export function namesOf(prefix: string, application: string, group: string): Names {
  const digest = createHash('sha256')
    .update(JSON.stringify([application, group]))
    .digest('hex')
    .slice(0, 8);
  const scope = `${prefix}_${readable(application)}_${readable(group)}_${digest}`;
  const arrivals = `${scope}.queue.arrived.`;
  const storePrefix = `$KV.${scope}.`;
  const keysPrefix = `$KV.${scope}_KEYS.`;
  return {
    owner: `${application}/${group}`,
    streams: {
      log: `${scope}_LOG`,
      bundles: `${scope}_BUNDLES`,
      store: `KV_${scope}`,
      queue: `${scope}_QUEUE`,
      keys: `KV_${scope}_KEYS`,
    },
    logSubject: `${scope}.log`,
    bundleSubject: `${scope}.bundle`,
    storeSubject: (key) => storePrefix + key.replaceAll('/', '.'),
    storeKey: (subject) =>
      subject.startsWith(storePrefix) ? subject.slice(storePrefix.length).replaceAll('.', '/') : undefined,
    wrappedKeySubject: (key) => keysPrefix + key.replaceAll('/', '.'),
    wrappedKey: (subject) =>
      subject.startsWith(keysPrefix) ? subject.slice(keysPrefix.length).replaceAll('.', '/') : undefined,
    chunkSubject: (chunks, number) => `${scope}.chunk.${chunks}.${number}`,
    queueSubjects: `${scope}.queue.>`,
    queueSubject: (id) => `${scope}.queue.item.${token(id)}`,
    arrivalSubject: (id) => arrivals + id,
    isArrival: (subject) => subject.startsWith(arrivals),
    queueClockSubject: `${scope}.queue.clock`,
  };
}

function readable(name: string): string {
  return name.replaceAll(/[^A-Za-z0-9-]/g, '-').slice(0, readableCharacters);
}

/** An id as one token of a subject. ULIDs stay as they are. */
function token(id: string): string {
  return /^[A-Za-z0-9_-]+$/.test(id) ? id : `=${Buffer.from(id, 'utf8').toString('base64url')}`;
}
