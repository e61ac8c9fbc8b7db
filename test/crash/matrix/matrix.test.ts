import { startPostgres } from '@slackwater/test-support/postgres';
import pg from 'pg';
import { afterAll, describe, expect, it } from 'vitest';
import { ensureTableSql } from '../../../packages/middleware/src/drivers/pg-completion-table.ts';
import { Lane } from './lane.ts';
import { stalledSuite } from './stalled-suite.ts';

/** As many processes live, and die, at once. */
const lanesAtOnce = 3;
/** A cell waits for its turn, and on a busy machine for its processes. */
const cellWithinMs = 240_000;

// The tests are the steps that an order takes, so one is placed before any of them: a step that is added is killed at, too.
const server = await startPostgres();
const database = new pg.Pool({ connectionString: server.connectionString, max: 2 });
await database.query('CREATE TABLE orders (reference text NOT NULL)');
await database.query(ensureTableSql);
const lanes = Array.from({ length: lanesAtOnce }, () => new Lane(server.connectionString));
const [first] = lanes;
const steps = (await first?.stepsOf('the first order')) ?? [];

/** An instant to die at. */
interface Instant {
  readonly at: string;
  readonly title: string;
}

const cells: readonly Instant[] = steps.flatMap((at, index) => {
  const next = steps[index + 1];
  // Nothing is written between the end of a step and the beginning of the next: one death tells of both sides.
  if (isAfter(at) && next !== undefined && !isAfter(next)) return [];
  const last = steps[index - 1];
  const isBoth = !isAfter(at) && last !== undefined && isAfter(last);
  return [{ at, title: isBoth ? `${last} and ${at}` : at }];
});

function isAfter(step: string): boolean {
  return step.startsWith('after ');
}

afterAll(async () => {
  for (const lane of lanes) await lane.close();
  await database.end();
  await server.stop();
});

const waiting: ((lane: Lane) => void)[] = [];

async function onLane<T>(work: (lane: Lane) => Promise<T>): Promise<T> {
  const lane = lanes.pop() ?? (await new Promise<Lane>((resolve) => waiting.push(resolve)));
  try {
    return await work(lane);
  } finally {
    const next = waiting.shift();
    if (next === undefined) lanes.push(lane);
    else next(lane);
  }
}

describe.concurrent('an order whose process is killed', () => {
  it('is killed at each of the steps that it is known to take', () => {
    const known = [
      ...['store.create payload', 'log.appendSealed accepted', 'queue.enqueue', 'the 202'],
      ...['SELECT slackwater_completions', 'log.appendSealed performing'],
      ...['BEGIN', 'INSERT slackwater_completions', 'INSERT orders', 'COMMIT'],
      ...['store.put outcome', 'log.appendSealed performed', 'queue.settle'],
    ];
    const sides = known.flatMap((name) => [`before ${name}`, `after ${name}`]);
    const killedAt = cells.flatMap(({ title }) => title.split(' and '));
    expect(killedAt.toSorted()).toEqual(steps.toSorted());
    expect(killedAt).toEqual(expect.arrayContaining([...sides, 'after queue.claim']));
  });

  it.each(cells.map(({ title, at }) => [title, at]))(
    '%s is done once, and its ledger verifies',
    async (_title, at) => {
      const reference = `killed ${at}`;
      const cell = await onLane((lane) => lane.kill(at, reference));
      expect(cell).toMatchObject({ wasReached: true, status: 'Succeeded', ledger: { ok: true } });
      const { rows } = await database.query(
        'SELECT reference, count(*)::int AS times FROM orders WHERE starts_with(reference, $1) GROUP BY reference',
        [reference],
      );
      expect(rows.length).toBeGreaterThan(0);
      expect(rows.filter(({ times }) => times !== 1)).toEqual([]);
    },
    cellWithinMs,
  );
});

stalledSuite(server.connectionString, database);
