import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { slackwater } from '@slackwater/middleware';
import { answerCalls } from '../child.ts';
import { endOf, plainRequest, plainResponse } from '../plain-request.ts';

/** Commits by kind: whether partitions have both, as few do. */
export type Kinds = 'explicit' | 'both';

/** Tells what a gate keeps, in a process that has nothing else to keep. */
export interface MemoryProcess {
  /** Bytes for each of so many partitions: full windows of the default size, read, and asked for by a request each. */
  bytesEach(partitions: number, kinds: Kinds): Promise<number>;
}

const more = 70;

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

async function bytes(): Promise<number> {
  collect();
  await new Promise((resolve) => setImmediate(resolve));
  collect();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}

async function bytesEach(partitions: number, kinds: Kinds): Promise<number> {
  const names = Array.from({ length: partitions }, (_, n) => `shard ${n}`);
  const gate = slackwater({
    latency: { maxPartitions: partitions, maxSampleAgeMs: 600_000 },
    partition: (req) => names[Number(req.originalUrl.slice('/orders/'.length))],
  });
  const before = await bytes();
  for (const [n, partition] of names.entries()) {
    for (let count = 0; count < more; count++) {
      commit(gate.latency, partition, 'explicit', count / 100);
      if (kinds === 'both') commit(gate.latency, partition, 'autocommit', count / 100);
    }
    gate.latency.valueOf(partition);
    const res = plainResponse();
    gate(plainRequest(`/orders/${n}`), res, () => {});
    endOf(res);
  }
  const each = ((await bytes()) - before) / partitions;
  if (Number.isNaN(gate.latency.valueOf('shard 0'))) throw new Error('Nothing was measured.');
  await gate.close();
  return each;
}

function commit(
  latency: ReturnType<typeof slackwater>['latency'],
  partition: string,
  kind: 'explicit' | 'autocommit',
  durationMs: number,
): void {
  const startedAt = performance.now() - durationMs;
  latency.finish({ partition, kind, startedAt, context: undefined, durationMs, outcome: 'committed' });
}

await answerCalls<MemoryProcess>(async () => ({ bytesEach }));
