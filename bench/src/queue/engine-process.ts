import { setTimeout as sleep } from 'node:timers/promises';
import { sqliteEngine } from '@slackwater/middleware';
import { postgresEngine } from '@slackwater/middleware/postgres-engine';
import pg from 'pg';
import { systemClock as clock } from '../../../packages/middleware/dist/clock.js';
import type { Claim } from '../../../packages/middleware/dist/engines/queue.js';
import { answerCalls } from '../child.ts';
import { payload, type QueueProcess } from './contender.ts';
import type { EnginePlace } from './place.ts';
import { ratesOf } from './rates-of.ts';

const perClaim = 100;
const claimers = 4;
const leaseMs = 30_000;

await answerCalls<QueueProcess>(async (place: EnginePlace) => {
  const engine =
    'directory' in place
      ? sqliteEngine(place)
      : postgresEngine({
          pool: new pg.Pool({ connectionString: place.connectionString, max: place.connections }),
          keys: '{}',
          ensure: true,
        });
  const { queue, store } = await engine.open({ application: 'bench', group: 'main', clock });
  let [position, round] = [0, 0];
  const partition = (): string => `round ${round}`;

  /** As the ledger does: what a job carries is there before the job is. */
  async function add(): Promise<void> {
    position += 1;
    const id = `job-${position}`;
    const item = { id, partition: partition(), priority: 1, position };
    await store.create(`job/${id}`, Buffer.from(JSON.stringify(payload)), { isFresh: true });
    await queue.enqueue(item);
  }

  async function performOne({ id, token }: Claim, job: (given: unknown) => void): Promise<void> {
    const stored = await store.get(`job/${id}`);
    job(stored === undefined ? undefined : JSON.parse(Buffer.from(stored.value).toString('utf8')));
    await Promise.all([queue.settle(id, token), store.delete(`job/${id}`)]);
  }

  return ratesOf({
    add,
    addMany: (count) => Promise.all(Array.from({ length: count }, add)),
    async perform(job) {
      let goesOn = true;
      const claim = async (): Promise<void> => {
        while (goesOn) {
          const claims = await queue.claim({
            partition: partition(),
            limit: perClaim,
            leaseMs,
            holder: 'bench',
          });
          await Promise.all(claims.map((each) => performOne(each, job)));
          if (claims.length === 0) await sleep(5);
        }
      };
      const all = Promise.all(Array.from({ length: claimers }, claim));
      return () => {
        goesOn = false;
        return all;
      };
    },
    async remaining() {
      const backlog = await queue.backlog();
      return backlog.find((each) => each.partition === partition())?.items ?? 0;
    },
    // What is left of a round before stays on its own partition.
    async empty() {
      round += 1;
    },
  });
});
