/**
 * Writes to an engine until it is killed, and says each write when it was acknowledged. Arguments: connection string,
 * schema, name.
 */
import pg from 'pg';
import { systemClock } from '../../../../../packages/middleware/src/clock.ts';
import { postgresEngine } from '../../../../../packages/middleware/src/engines/postgres/postgres-engine.ts';
import { bytes, scope } from '../../../../contracts/engine-under-test.ts';

const [, , connectionString = '', schema = '', who = ''] = process.argv;
const pool = new pg.Pool({ connectionString });
const engine = await postgresEngine({ pool, schema, keys: '{}', timeoutMs: 2_000 }).open({
  ...scope,
  clock: systemClock,
});
const say = (line: string): void => void process.stdout.write(`${line}\n`);

async function appendOn(lane: number): Promise<void> {
  for (let turn = 0; ; turn += 1) {
    const name = `${who}-${lane}-${turn}`;
    try {
      const { first } = await engine.log.append([bytes(name), bytes(`${name}+`)]);
      say(`append ${name} ${first}`);
    } catch (error) {
      say(`trouble ${(error as { fate?: string }).fate} ${name}`);
    }
  }
}

async function enqueueOn(lane: number): Promise<void> {
  for (let turn = 0; ; turn += 1) {
    const id = `${who}-${lane}-${turn}`;
    try {
      await engine.queue.enqueue({
        id,
        partition: 'p',
        priority: 1,
        position: turn,
        orderKey: `k${turn % 5}`,
      });
      say(`enqueue ${id}`);
    } catch (error) {
      say(`trouble ${(error as { fate?: string }).fate} ${id}`);
    }
  }
}

say('begun');
await Promise.all([0, 1, 2, 3].flatMap((lane) => [appendOn(lane), enqueueOn(lane + 10)]));
