/**
 * A host on the built packages whose routes start operations. It says on standard output which tasks begin (`task <operation> <traveller>`), and `port <number>` once it
 * listens. By the environment: DIRECTORY (its ledger), HANG (not empty: tasks never end), DEFINE (not empty: stores the definition `stored`), and KILL, where it kills
 * itself: `settled`, when the ledger has the end of operation `trip`; `answer`, when the answer of that is made, which is before its deferral is settled.
 */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { defineOperation, nameFunction, slackwater, sqliteEngine, type } from '@slackwater/middleware';
import express from 'express';

const { DIRECTORY = '', HANG = '', DEFINE = '', KILL = '' } = process.env;

const gate = slackwater({
  application: 'travel',
  requester: () => 'ann',
  engine: sqliteEngine({ directory: DIRECTORY }),
  ledger: { engineTimeoutMs: 30_000 },
  perform: { leaseMs: 1_000, lookEveryMs: 50 },
});

function die(): void {
  process.kill(process.pid, 'SIGKILL');
}

async function work(operation: string, traveller: string): Promise<{ readonly flight: string }> {
  process.stdout.write(`task ${operation} ${traveller}\n`);
  if (HANG !== '') await new Promise(() => {});
  return { flight: `SW 1 for ${traveller}` };
}

const trip = defineOperation({
  name: 'trip',
  version: '1',
  input: { traveller: type<string>() },
  tasks: {
    airline: {
      inputs: ['traveller'],
      outputs: { flight: type<string>() },
      run: ({ traveller }) => work('trip', traveller),
    },
  },
});

gate.on('operation', ({ type: what, operation }) => {
  if (KILL === 'settled' && what === 'operation-settled' && operation === 'trip') die();
});

const app = express();
app.use(gate);
app.post(
  '/trips',
  gate.operations.handler(trip, (req) => ({ traveller: req.body.traveller }), {
    waitMs: 30_000,
    status: 201,
    answer({ flight }) {
      if (KILL === 'answer') die();
      return { flight };
    },
  }),
);
const run = ({ traveller }: { traveller: string }) => work('stored', traveller);
gate.operations.functions(nameFunction('airline', '1', run));
app.post(
  '/operations/:name',
  gate.operations.handler(
    (req) => String(req.params['name']),
    (req) => req.body,
  ),
);
await gate.start();
if (DEFINE !== '') {
  await gate.operations.define({
    name: 'stored',
    version: '1',
    input: ['traveller'],
    tasks: {
      airline: {
        inputs: ['traveller'],
        outputs: ['flight'],
        run: { function: 'airline', version: '1' },
      },
    },
  });
}
const http = createServer(app);
http.listen(0, '127.0.0.1', () => {
  process.stdout.write(`port ${(http.address() as AddressInfo).port}\n`);
});
