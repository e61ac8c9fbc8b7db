/**
 * `npm start`: trips that go well, that fail, and whose agency is killed in the middle. Ends by itself, or with Ctrl-C; the last line counts. `--svg FOLDER` writes the
 * timelines as pictures, too; `--short` leaves most of the trips out.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { runToEnd } from '@slackwater/test-support/run-to-end';
import { openAgency } from './agency/agency.ts';
import { Demo, leaseMs } from './demo/demo.ts';
import { startHost } from './demo/host-process.ts';
import { openWorld, type World } from './world/world.ts';

const latencyMs = (): number => 20 + Math.random() * 60;

const { values } = parseArgs({
  options: { svg: { type: 'string' }, short: { type: 'boolean', default: false } },
});

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

async function tellTrips(demo: Demo, { services: { hotel, car } }: World): Promise<void> {
  await demo.tell('All goes well.', 'booked');
  await demo.spoil('hotel', { is: 'refuses', of: 'take', times: 2 });
  await demo.tell(
    'The hotel refuses, twice: the car is given back, then the flight and what was paid.',
    'undone',
  );
  if (!values.short) {
    await demo.spoil('excursion', { is: 'forgets', of: 'take', times: 1 });
    await demo.tell(
      'The excursion is booked and its answer lost: asked again, it is booked once.',
      'asked-again',
    );
    await demo.spoil('car', { is: 'refuses', of: 'give-back', times: 1 });
    await demo.spoil('hotel', { is: 'refuses', of: 'take', times: 2 });
    await demo.tell(
      'The car is not taken back at once: nothing before it is undone until it is.',
      'undone-late',
    );
    await demo.spoil('hotel', { is: 'hangs', of: 'take', times: 1 });
    await demo.tell(
      'The agency is killed while the hotel has it wait, and another process goes on.',
      'killed',
      () => hotel.asked('PUT'),
    );
  }
  await demo.spoil('excursion', { is: 'refuses', of: 'take', times: 2 });
  await demo.spoil('car', { is: 'hangs', of: 'give-back', times: 1 });
  await demo.tell(
    'It is killed while a trip is undone, and another process goes on undoing it.',
    'killed-undoing',
    () => car.asked('DELETE'),
  );
  if (values.short) return;
  await demo.spoil('hotel', { is: 'refuses', of: 'take', times: 7 });
  await demo.spoil('airline', { is: 'forgets', of: 'take', times: 5 });
  await demo.spoil('excursion', { is: 'refuses', of: 'take', times: 3 });
  await demo.tellMany();
}

async function play(signal: AbortSignal): Promise<number> {
  const undo: (() => unknown)[] = [];
  try {
    const directory = mkdtempSync(join(tmpdir(), 'slackwater-trips-'));
    undo.push(() => rmSync(directory, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 }));
    const ledger = join(directory, 'ledger');
    const world = await openWorld(latencyMs);
    undo.push(() => world.close());
    const host = await startHost(world.addresses, ledger, leaseMs);
    const demo = new Demo({ world, ledger, host, signal, say, svg: values.svg });
    undo.push(() => demo.stop());
    say(`The agency is open at ${host.address}.\n`);
    await tellTrips(demo, world);

    await demo.stop();
    const { gate, close } = await openAgency({ addresses: world.addresses, directory: ledger, leaseMs });
    const { ok } = await gate.audit.verify();
    await close();
    const { count } = demo;
    const faults = world.faults();
    for (const fault of faults) say(fault);
    const held = Object.values(world.services).map(({ taken }) => taken.size);
    const conserved = faults.length === 0 && held.every((size) => size === count.booked);
    say(JSON.stringify({ ...count, conserved, ledgerVerified: ok }));
    return conserved && ok && count.booked + count.undone === count.trips ? 0 : 1;
  } finally {
    for (const step of undo.reverse()) await step();
  }
}

await runToEnd(play);
