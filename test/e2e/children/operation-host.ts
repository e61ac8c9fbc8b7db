/**
 * A host that runs an operation on the built packages: each of its tasks and rollbacks says so on standard output, and in the first process that comes to the task
 * HANG, or to the rollback "undo HANG", it never ends. By the environment: ENGINE (see engine-of.ts), HANG, START (whether it starts the operation, or goes on with it).
 */
import { defineOperation, slackwater, type } from '@slackwater/middleware';
import { engineOf } from './engine-of.ts';

const { ENGINE = '', HANG = '', START = '' } = process.env;

const gate = slackwater({
  application: 'travel',
  engine: engineOf(ENGINE),
  ledger: { engineTimeoutMs: 30_000 },
  perform: { leaseMs: 2_000 },
});
gate.on('operation', ({ type: what }) => {
  if (what === 'operation-settled') process.stdout.write('settled\n');
});

async function say(word: string): Promise<void> {
  process.stdout.write(`${word}\n`);
  if (word === HANG) await new Promise(() => {});
}

const number = type<number>();
const trip = defineOperation({
  name: 'trip',
  version: '1',
  tasks: {
    flight: {
      outputs: { flight: number },
      async run() {
        await say('flight');
        return { flight: 1 };
      },
      rollback: () => say('undo flight'),
    },
    hotel: {
      inputs: ['flight'],
      outputs: { hotel: number },
      async run() {
        await say('hotel');
        return { hotel: 1 };
      },
      rollback: () => say('undo hotel'),
    },
    tour: {
      inputs: ['hotel'],
      async run() {
        await say('tour');
        throw new Error('fully booked');
      },
    },
  },
});
gate.operations.register(trip);
// Timers of the gate keep no process alive.
setInterval(() => {}, 60_000);
await gate.start();
if (START !== '') await gate.operations.start(trip, {});
