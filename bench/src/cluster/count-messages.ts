import { connect, type Msg } from '@nats-io/transport-node';

/** How many messages of a kind, and their bytes: subject, headers and payload. */
export interface Count {
  readonly messages: number;
  readonly bytes: number;
}

/** What was sent so far, by kind. */
export interface MessageCounter {
  readonly counts: ReadonlyMap<string, Count>;
  close(): Promise<void>;
}

/** Hears everything that clients of the servers send, and counts it. */
export async function countMessages(servers: readonly string[]): Promise<MessageCounter> {
  const nats = await connect({ servers: [...servers], name: 'counter' });
  const counts = new Map<string, Count>();
  nats.subscribe('>', {
    callback: (error, message) => {
      if (error !== null) return;
      const kind = kindOf(message);
      const { messages = 0, bytes = 0 } = counts.get(kind) ?? {};
      counts.set(kind, { messages: messages + 1, bytes: bytes + sizeOf(message) });
    },
  });
  await nats.flush();
  return { counts, close: () => nats.close() };
}

/** `write log`, `write store payload`, `write queue item`, `ask STREAM.INFO`, `answer`, `deliver` */
function kindOf({ subject, reply }: Msg): string {
  // What a stream gives to those who follow it keeps its subject.
  if (reply?.startsWith('$JS.ACK.') === true) return 'deliver';
  const tokens = subject.split('.');
  if (subject.startsWith('$KV.')) return `write store ${tokens[2]}`;
  if (subject.startsWith('$JS.API.')) return `ask ${/^\$JS\.API\.([A-Z]+(?:\.[A-Z]+)*)/.exec(subject)?.[1]}`;
  if (subject.startsWith('$JS.') || subject.startsWith('_INBOX.')) return 'answer';
  return `write ${tokens.slice(1, 3).join(' ')}`;
}

function sizeOf({ subject, data, headers }: Msg): number {
  const lines = headers
    ?.keys()
    .flatMap((key) => headers.values(key).map((value) => key.length + value.length + 4));
  return subject.length + data.byteLength + (lines?.reduce((sum, length) => sum + length, 12) ?? 0);
}
