import { fileURLToPath } from 'node:url';
import { type ServerProcess, startServer } from '../crash/server-process.ts';

const program = fileURLToPath(new URL('children/host.ts', import.meta.url));

/** What stays the same from one life of a host to the next. */
export interface HostPlace {
  readonly connectionString: string;
  /** The NATS servers as this host sees them. */
  readonly servers: readonly string[];
  readonly keyFile: string;
  readonly port: number;
  readonly leaseMs: number;
}

/** One of several processes of the application. */
export interface Host {
  readonly address: string;
  readonly verifierKey: string;
  pause(): void;
  resume(): void;
  kill(): Promise<void>;
  /** After `kill`: again on the same port; resolves when it listens. */
  restart(): Promise<void>;
  /** What it wrote in all its lives that is not trouble which it survives; and that it ended by itself, where it did. */
  faults(): readonly string[];
  /** The trouble that it told of in its present life. */
  troubles(): string;
}

/** Starts a host; resolves when it listens. */
export async function startHost(place: HostPlace): Promise<Host> {
  const lives: ServerProcess[] = [];
  const address = `http://127.0.0.1:${place.port}`;
  let verifierKey = '';

  async function live(): Promise<void> {
    const life = startServer([program], {
      DATABASE_URL: place.connectionString,
      NATS_SERVERS: place.servers.join(','),
      KEY_FILE: place.keyFile,
      PORT: String(place.port),
      LEASE_MS: String(place.leaseMs),
    });
    lives.push(life);
    const listening = await life.listening;
    if (listening === undefined) throw new Error(`A host did not open: ${life.complaints()}`);
    ({ verifierKey } = listening);
  }

  const now = (): ServerProcess | undefined => lives.at(-1);
  await live();
  return {
    address,
    verifierKey,
    pause: () => now()?.pause(),
    resume: () => now()?.resume(),
    async kill() {
      await now()?.kill();
    },
    restart: live,
    faults: () =>
      lives.flatMap((life) => [
        ...(life.ended() ? [`${address} ended by itself`] : []),
        ...life
          .complaints()
          .split('\n')
          .filter((line) => line !== '' && !line.startsWith('trouble ')),
      ]),
    troubles: () => now()?.complaints() ?? '',
  };
}
