/**
 * `npm start`: a day of the payment service in half a minute. One of its four databases becomes slow, one of its three hosts is killed, the database
 * server too. Ends by itself, or with Ctrl-C; the last line is the account. `--short` has each stretch take half as long.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { runToEnd } from '@slackwater/test-support/run-to-end';
import { count, countQueued } from './demo/count.ts';
import { type OrderSystem, openOrderSystem } from './demo/order-system.ts';
import { openStage, type Stage } from './demo/stage.ts';

const orderEveryMs = 60;
const slowMs = 250;
const endWithinMs = 60_000;

interface Stretch {
  readonly said: string;
  readonly seconds: number;
  readonly before?: (stage: Stage) => Promise<void>;
}

const day: readonly Stretch[] = [
  { said: 'all is well', seconds: 4 },
  {
    said: 'payments-2 is slow',
    seconds: 8,
    before: ({ slow }) => slow[2]?.set(slowMs, 2) ?? Promise.resolve(),
  },
  { said: 'a host was killed', seconds: 4, before: (stage) => stage.killHost(1) },
  { said: 'payments-2 is well', seconds: 4, before: ({ slow }) => slow[2]?.set(0) ?? Promise.resolve() },
  { said: 'the host is back', seconds: 2, before: (stage) => stage.startHost(1) },
  {
    said: 'databases restarted',
    seconds: 4,
    async before({ server }) {
      await server.kill();
      await server.restart();
    },
  },
];

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

async function play(isShort: boolean, signal: AbortSignal): Promise<number> {
  const stage = await openStage();
  try {
    signal.throwIfAborted();
    const orders = openOrderSystem(stage.internal, orderEveryMs, signal);
    await passDay(stage, orders, isShort, signal);
    await orders.stop();
    signal.throwIfAborted();
    say('Every request was granted. What is on the queues is settled.');
    for (const end = Date.now() + endWithinMs; Date.now() < end; await sleep(200, undefined, { signal })) {
      if ((await countQueued(stage.connectionStrings)) + stage.processor.untold === 0) break;
    }
    const account = await count(stage.connectionStrings, stage.processor, orders.purchases);
    say(JSON.stringify(account));
    return account.wrong > 0 || !account.conserved ? 1 : 0;
  } finally {
    await stage.close();
  }
}

async function passDay(
  stage: Stage,
  orders: OrderSystem,
  isShort: boolean,
  signal: AbortSignal,
): Promise<void> {
  say(
    '                       each second:  authorized  shipped  canceled  told to return  deferred   on the queues',
  );
  let second = 0;
  for (const { said, seconds, before } of day) {
    await before?.(stage);
    for (const end = second + Math.ceil(seconds / (isShort ? 2 : 1)); second < end; second++) {
      await sleep(1_000, undefined, { signal });
      const { authorized, shipped, canceled, sentBack, deferred } = orders.take();
      const queued = await countQueued(stage.connectionStrings);
      const cells = [authorized, shipped, canceled, sentBack, deferred, queued];
      say(
        `${String(second + 1).padStart(4)} s  ${said.padEnd(24)}${cells.map((cell) => String(cell).padStart(11)).join('')}`,
      );
    }
  }
}

const { values } = parseArgs({ options: { short: { type: 'boolean', default: false } } });
await runToEnd((signal) => play(values.short, signal));
