import type { Batch, Gate } from '@slackwater/middleware';
import type { Partition, Partitions } from './partitions.ts';
import type { Processor } from './processor-client.ts';
import { applyResponses, sent } from './transactions.ts';

/** Both batches; `run()` runs one by hand. */
export interface Batches {
  readonly send: Batch;
  readonly apply: Batch;
}

type Task = 'send-settlement' | 'apply-response';

interface Item {
  readonly id: string;
  readonly partition: string;
  readonly amountCents: number;
}

/** How often batches are due, and how long after a host was last heard another one takes its run over, ms. */
export interface BatchTimes {
  readonly everyMs: number;
  readonly leaseMs: number;
}

const itemsOfEach = 500;
const callsAtOnce = 8;

/** Has settlements sent to the processor and its answers applied, each on a schedule, on one host at a time. */
export function runBatches(
  gate: Gate,
  partitions: Partitions,
  processor: Processor,
  { everyMs, leaseMs }: BatchTimes,
): Batches {
  const there = (name: string): Partition => partitions.all.find((one) => one.name === name) as Partition;

  const times = {
    schedule: { everyMs },
    retryBaseMs: everyMs,
    retryCapMs: Math.max(everyMs, Math.min(8 * everyMs, 60_000)),
    leaseMs,
  };

  // What is sent is the service's to choose: partitions that are slow are left out, and so their answers stay away.
  const send = gate.batch<Item>({
    name: 'send-settlements',
    workType: 'send-settlement',
    direction: 'outbound',
    ...times,
    maxConcurrency: callsAtOnce,
    itemsPerCall: 20,
    source: ({ excluded }) => queued(partitions, 'send-settlement', excluded),
    async perform(items, { partition, signal }) {
      for (const { id, amountCents } of items) await processor.settle(id, amountCents, signal);
      await sent(there(partition), idsOf(items));
    },
  });

  // What comes in is not: where one partition is slow, all answers wait on the queue.
  const apply = gate.batch<Item>({
    name: 'apply-responses',
    workType: 'receive-response',
    direction: 'inbound',
    ...times,
    source: ({ excluded }) => queued(partitions, 'apply-response', excluded),
    perform: async (items, { partition }) => await applyResponses(there(partition), idsOf(items)),
  });
  return { send, apply };
}

async function queued(
  partitions: Partitions,
  task: Task,
  excluded: ReadonlySet<string>,
): Promise<readonly Item[]> {
  const asked = partitions.all.filter(({ name }) => !excluded.has(name));
  const answers = await Promise.allSettled(
    asked.map(async ({ name, pool }) => {
      const { rows } = await pool.query<{ id: string; amountCents: number }>(
        `SELECT transaction_id AS id, amount_cents::int AS "amountCents" FROM work_queue
         WHERE task = $1 ORDER BY queued_at LIMIT ${itemsOfEach}`,
        [task],
      );
      return rows.map((row) => ({ ...row, partition: name }));
    }),
  );
  // A partition that can't be asked keeps its items, and holds up nobody else's.
  return answers.flatMap((answer) => (answer.status === 'fulfilled' ? answer.value : []));
}

function idsOf(items: readonly Item[]): readonly string[] {
  return items.map(({ id }) => id);
}
