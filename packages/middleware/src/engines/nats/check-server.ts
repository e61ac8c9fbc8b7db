import { EngineError } from '../engine-error.ts';

/** What a server says of itself when one connects. */
export interface ServerInfo {
  readonly version: string;
  readonly max_payload: number;
  readonly jetstream?: boolean;
}

/** Consumers that are named by their maker, and key-value buckets as they are today, came with it. */
const oldest = [2, 9] as const;
/** A server takes messages of a MiB unless it is told otherwise; with less than this a batch or an entry would not fit. */
const leastMaxPayload = 768 * 1024;

/** Refuses a server that the engine can't work with. Throws `engine-unavailable`. */
export function checkServer(info: ServerInfo | undefined): void {
  if (info === undefined) return;
  const [major = 0, minor = 0] = info.version.split('.').map((part) => Number.parseInt(part, 10));
  if (major < oldest[0] || (major === oldest[0] && minor < oldest[1])) {
    throw refusal(`has version ${info.version}; ${oldest.join('.')} is the oldest that serves. Upgrade it`);
  }
  if (info.max_payload < leastMaxPayload) {
    throw refusal(
      `takes messages of ${info.max_payload} bytes at most; set its max_payload to ${leastMaxPayload} or more (1048576 is its default)`,
    );
  }
  if (info.jetstream === false)
    throw refusal('has no JetStream; switch it on (jetstream { store_dir: ... })');
}

function refusal(what: string): EngineError {
  return new EngineError('engine-unavailable', 'none', `The NATS server ${what}.`);
}
