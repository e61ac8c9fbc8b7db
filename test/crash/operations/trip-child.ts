/**
 * A process that first goes on with what the one before left of its operations, and then runs one that it kills itself over, at a step of it: started by
 * trip-lane.ts with a folder and with {@link Order}s as JSON. It prints a line of JSON, {@link Found}, before its first operation, and one, {@link Taken}, after each.
 */
import { appendFileSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { defineOperation, type Operation, slackwater, sqliteEngine, type } from '@slackwater/middleware';
import type { LedgerEntry } from '@slackwater/shared';
import type { Engine, OpenEngine } from '../../../packages/middleware/src/engines/engine.ts';
import { withEngineSteps } from '../matrix/engine-steps.ts';
import { countSteps } from '../matrix/steps.ts';

/** An operation that the process is to run. */
export interface Order {
  readonly fails: boolean;
  /** At which step it dies; absent: at none. */
  readonly killAt?: string;
}

/** A run as the ledger and the world have it. */
export interface FoundRun {
  readonly id: string;
  readonly status: string | undefined;
  readonly entries: readonly {
    readonly type: LedgerEntry['type'];
    readonly step: LedgerEntry['step'] | undefined;
  }[];
  /** What was done and undone, in order. */
  readonly world: readonly string[];
}

/** How things stand when nothing is left of what the process before began. */
export interface Found {
  readonly runs: readonly FoundRun[];
  readonly isVerified: boolean;
}

/** The steps of an operation over which nobody died. */
export interface Taken {
  readonly steps: readonly string[];
}

const [directory = '', orders = '[]'] = process.argv.slice(2);
const pollMs = 5;
const counted = countSteps();
const steps: typeof counted = {
  ...counted,
  // That a process is there, and how often tasks fail, is noted beside what it runs, at no fixed time.
  at(side, name) {
    if (!/ operation\/runner$| failures?$/.test(name)) counted.at(side, name);
  },
};
let opened: OpenEngine | undefined;

/** The process before is dead, and this one need not wait until its lease is over. */
function afterDeath(engine: Engine): Engine {
  return {
    ...engine,
    async open(options) {
      const open = await engine.open(options);
      const leases = await open.store.list('operation/runner/', { limit: 100 });
      for (const { key } of leases) await open.store.delete(key);
      return open;
    },
  };
}

const gate = slackwater({
  application: 'travel',
  engine: withEngineSteps(afterDeath(sqliteEngine({ directory })), steps, (engine) => {
    opened = engine;
  }),
  ledger: { engineTimeoutMs: 60_000 },
});

/** A world that, as the world does, takes each key once: a file, which outlives whoever writes it. */
function change(run: string, word: string, suits: (known: readonly string[]) => boolean): void {
  steps.at('before', word);
  if (suits(worldOf(run))) appendFileSync(worldFile(run), `${word}\n`);
  steps.at('after', word);
}

function worldOf(run: string): readonly string[] {
  try {
    return readFileSync(worldFile(run), 'utf8').split('\n').slice(0, -1);
  } catch {
    return [];
  }
}

function worldFile(run: string): string {
  return join(directory, `world-${run}`);
}

const number = type<number>();

function trip(fails: boolean): Operation {
  const task = (id: string) => ({
    run(_: unknown, { operation }: { readonly operation: string }) {
      change(operation, `do ${id}`, (known) => !known.includes(`do ${id}`));
      return {};
    },
    rollback(_: unknown, { operation }: { readonly operation: string }) {
      const isThere = (known: readonly string[]): boolean =>
        known.includes(`do ${id}`) && !known.includes(`undo ${id}`);
      change(operation, `undo ${id}`, isThere);
    },
  });
  return defineOperation({
    name: 'trip',
    version: fails ? 'that fails' : 'that succeeds',
    tasks: {
      flight: {
        ...task('flight'),
        outputs: { seat: number },
        run(given, context) {
          task('flight').run(given, context);
          return { seat: 7 };
        },
      },
      hotel: { after: ['flight'], ...task('hotel') },
      car: { after: ['flight'], ...task('car') },
      tour: {
        inputs: ['seat'],
        after: ['hotel', 'car'],
        ...task('tour'),
        run({ seat }, context) {
          task('tour').run(seat, context);
          if (fails) throw new Error('fully booked');
          return {};
        },
      },
    },
    checks: { 'seat is there': { inputs: ['seat'], validate: ({ seat }) => seat === 7 } },
  });
}

async function keys(prefix: string): Promise<readonly string[]> {
  const items = (await opened?.store.list(prefix, { limit: 1_000 })) ?? [];
  return items.map(({ key }) => key.slice(prefix.length));
}

async function find(): Promise<Found> {
  while ((await keys('operation/live/')).length > 0) await sleep(pollMs);
  const ledger = await gate.ledger.open();
  const runs = await Promise.all(
    (await keys('operation/done/')).map(async (id): Promise<FoundRun> => {
      const entries = (await ledger.operations.history(new Set([id]), 0)).get(id) ?? [];
      return {
        id,
        status: (await gate.operations.find(id))?.status,
        entries: entries.map(({ entry }) => ({ type: entry.type, step: entry.step })),
        world: worldOf(id),
      };
    }),
  );
  return { runs, isVerified: (await gate.audit.verify()).ok };
}

function say(line: Found | Taken): void {
  process.stdout.write(`${JSON.stringify(line)}\n`);
}

const operations = { fails: trip(true), succeeds: trip(false) };
gate.operations.register(operations.fails, operations.succeeds);
await gate.start();
say(await find());
for (const { fails, killAt } of JSON.parse(orders) as readonly Order[]) {
  steps.begin(killAt);
  const { id, settled } = await gate.operations.start(operations[fails ? 'fails' : 'succeeds'], {});
  await settled;
  // What is noted after its end belongs to it.
  while ((await keys('operation/live/')).includes(id.slice('operation/live/'.length))) await sleep(pollMs);
  say({ steps: [...counted.told] });
}
await gate.close();
process.exit();
