import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { LedgerReport } from '@slackwater/shared';
import type { FromHost, Tally, ToHost } from '../host-messages.ts';

/** What every host is started with. */
export interface HostSetup {
  readonly connectionString: string;
  readonly natsServers: readonly string[];
  readonly keyFile: string;
  /** How long after a host's death its deferrals go on elsewhere, ms. */
  readonly leaseMs: number;
}

/** One host that can be killed and brought back. */
export interface HostProcess {
  readonly name: string;
  /** Undefined while it does not listen. The same in each of its lives. */
  readonly address: string | undefined;
  readonly pid: number | undefined;
  readonly verifierKey: string;
  /** The last that it told; undefined before its first word. */
  readonly tally: Tally | undefined;
  /** Starts it where it does not run; resolves when it listens, rejects with its own sentence where it can't. */
  start(): Promise<void>;
  /** SIGKILL; resolves when it is gone. */
  kill(): Promise<void>;
  /** Lets it finish what is under way. */
  end(): Promise<void>;
  /** Has it verify the ledger from its stored bytes. */
  verify(checkpoint: string): Promise<LedgerReport>;
}

type Event = Extract<FromHost, { type: 'event' }>;

const program = fileURLToPath(new URL('../host.ts', import.meta.url));
const endWithinMs = 15_000;

/** A host that is not started yet. `onEvent` hears what it tells, and of its end. */
export function hostProcess(name: string, setup: HostSetup, onEvent: (event: Event) => void): HostProcess {
  let child: ChildProcess | undefined;
  let address: string | undefined;
  let port = 0;
  let verifierKey = '';
  let tally: Tally | undefined;

  function hear(message: FromHost): void {
    if (message.type === 'tally') tally = message.tally;
    if (message.type === 'event') onEvent(message);
    if (message.type !== 'listening') return;
    ({ address, verifierKey } = message);
    port = Number(new URL(message.address).port);
  }

  async function launch(): Promise<void> {
    let complaint = '';
    const started = spawn(process.execPath, [program, ...argumentsOf(setup, port)], {
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
      // A Ctrl-C is the demo's affair; it ends its hosts in order.
      detached: true,
    });
    child = started;
    started.stderr?.on('data', (chunk: Buffer) => {
      complaint += chunk.toString();
    });
    started.on('error', () => {});
    const listening = heard(started, 'listening');
    started.on('message', hear);
    const gone = once(started, 'close').then(() => {
      address = undefined;
      child = undefined;
    });
    await Promise.race([
      listening,
      gone.then(() => {
        throw new Error(`${name} can't be started: ${complaint.trim() || 'it gave no reason'}`);
      }),
    ]);
    gone.then(() => complaint !== '' && onEvent({ type: 'event', tone: 'bad', text: complaint.trim() }));
  }

  async function finish(signal: NodeJS.Signals): Promise<void> {
    const running = child;
    if (running === undefined) return;
    const gone = once(running, 'close');
    running.kill(signal);
    const insist = setTimeout(() => running.kill('SIGKILL'), endWithinMs);
    await gone;
    clearTimeout(insist);
  }

  return {
    name,
    get address() {
      return address;
    },
    get pid() {
      return child?.pid;
    },
    get verifierKey() {
      return verifierKey;
    },
    get tally() {
      return tally;
    },
    start: async () => {
      if (child === undefined) await launch();
    },
    kill: () => finish('SIGKILL'),
    end: () => finish('SIGTERM'),
    async verify(checkpoint) {
      if (child === undefined) throw new Error(`${name} does not run.`);
      const answer = heard(child, 'verified');
      child.send({ type: 'verify', checkpoint } satisfies ToHost);
      const { report } = await answer;
      return report;
    },
  };
}

function argumentsOf({ connectionString, natsServers, keyFile, leaseMs }: HostSetup, port: number): string[] {
  return [
    `--database=${connectionString}`,
    `--nats=${natsServers.join(',')}`,
    `--keys=${keyFile}`,
    `--port=${port}`,
    `--lease-ms=${leaseMs}`,
  ];
}

/** The next message of a type; never comes where the host ends before. */
function heard<Type extends FromHost['type']>(
  child: ChildProcess,
  type: Type,
): Promise<Extract<FromHost, { type: Type }>> {
  return new Promise((resolve) => {
    child.on('message', function listen(message: FromHost) {
      if (message.type !== type) return;
      child.off('message', listen);
      resolve(message as Extract<FromHost, { type: Type }>);
    });
  });
}
