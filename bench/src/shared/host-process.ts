import { setTimeout as sleep } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { slackwater } from '@slackwater/middleware';
import { natsEngine } from '@slackwater/middleware/nats';
import { acceptAll } from '../acceptance/accept-all.ts';
import { answerCalls } from '../child.ts';
import { type Spent, spentOn } from './spent.ts';

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

/** A host of several, with a gate on the cluster and no database: it accepts, and performs nothing. */
export interface HostProcess {
  /** Accepts so many without HTTP, up to 256 at a time. */
  accept(count: number): Promise<Spent>;
  /** Accepts one; resolves with its id. */
  acceptOne(): Promise<string>;
  /** How long it takes to read a deferral, and to prove that it is in the ledger, µs. */
  readUs(id: string): Promise<number>;
  proveUs(id: string): Promise<number>;
  /**
   * What JavaScript holds when the garbage is gone, bytes: heap and buffers. Not what the process keeps to grow into, nor
   * SQLite's caches, which are bounded.
   */
  memory(): Promise<number>;
}

/** Where the cluster is, and what the hosts share. */
export interface Place {
  readonly servers: string[];
  readonly keys: string;
}

async function make({ servers, keys }: Place): Promise<HostProcess> {
  const gate = slackwater({
    application: 'bench',
    workTypes: { order: { priority: 2, thresholdMs: 200, whenOver: 'defer' } },
    classify: () => 'order',
    partition: () => 'orders',
    requester: () => 'somebody',
    engine: natsEngine({ servers, keys }),
    // What is measured is how much goes through, not how soon a caller is sent away.
    ledger: { engineTimeoutMs: 60_000 },
  });
  const ledger = await opened(() => gate.ledger.open());
  const us = async (work: () => Promise<unknown>): Promise<number> => {
    const startedAt = performance.now();
    await work();
    return (performance.now() - startedAt) * 1_000;
  };
  return {
    accept: (count) => spentOn(count, () => acceptAll(ledger, count)),
    async acceptOne() {
      const [id] = await acceptAll(ledger, 1);
      if (id === undefined) throw new Error('Nothing was accepted.');
      return id;
    },
    readUs: (id) =>
      us(async () => {
        if ((await ledger.find(id)) === undefined) throw new Error(`Deferral ${id} is not there.`);
      }),
    proveUs: (id) => us(() => ledger.proof(id)),
    async memory() {
      // Looks at the whole queue, and so waits until this host's view has it.
      await ledger.holdsOrderKey('nothing');
      collectGarbage();
      const { heapUsed, external } = process.memoryUsage();
      return heapUsed + external;
    },
  };
}

/** Streams that were made a moment ago may still be choosing their leaders; a gate tries again by itself. */
async function opened<Ledger>(open: () => Promise<Ledger>): Promise<Ledger> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await open();
    } catch (error) {
      if (attempt === 10) throw error;
      await sleep(1_000);
    }
  }
}

await answerCalls<HostProcess>(make);
