import { setTimeout as sleep } from 'node:timers/promises';
import type { NatsNode } from '@slackwater/test-support/nats';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Accepted, startCallers } from '../crash/callers.ts';
import { seededRandom } from '../crash/random.ts';
import { changeWeather } from '../crash/weather.ts';
import { drained } from '../crash/written-rows.ts';
import { logStream } from './ledger-bytes.ts';
import { anotherHost, checkpointOf, expectPromisesKept } from './promises.ts';
import { leaseMs, startThreeHosts, type ThreeHosts } from './three-hosts.ts';

const beforeFaultMs = 700;
const afterFaultMs = 500;
const awayMs = 1_500;
/** Less than a dead connection takes to be noticed. */
const deafMs = 4_000;
const lookWithinMs = 5_000;
const drainWithinMs = 60_000;
/** The server that was killed may have led a stream that every acceptance needs. */
const acceptedWithinMs = 30_000;
/** With elections as long as they may become on a machine that is busy. */
const timeout = 240_000;

describe('three hosts on a cluster of three servers, under load', { timeout }, () => {
  const random = seededRandom();
  let all: ThreeHosts;
  let oldCheckpoint: string;
  let scenario = 0;

  beforeAll(async () => {
    all = await startThreeHosts();
    oldCheckpoint = await checkpointOf(all.hosts[0].address);
  }, timeout);

  afterAll(async () => {
    await all?.stop();
  });

  /** Requests come in, and commits are slow and quick in turn, before the fault, while it lasts, and after it. */
  async function promisesAreKept(fault: () => Promise<void>): Promise<void> {
    scenario += 1;
    const elsewhere = new Map<string, number>();
    const weather = changeWeather(all.commits, random);
    let turn = 0;
    const callers = startCallers({
      address() {
        turn += 1;
        return all.hosts[turn % all.hosts.length]?.address ?? '';
      },
      named: `${scenario}-`,
      async onAccepted(accepted) {
        const status = await statusElsewhere(accepted);
        if (status !== undefined) elsewhere.set(accepted.reference, status);
      },
    });
    const { answers } = callers;
    try {
      await sleep(beforeFaultMs);
      await fault();
      await sleep(afterFaultMs);
      for (const end = Date.now() + acceptedWithinMs; answers.accepted.size === 0 && Date.now() < end; )
        await sleep(afterFaultMs);
    } finally {
      // Also where the fault itself went wrong: the next one begins with a quick database and without these callers.
      await weather.clearUp();
      await callers.finish();
    }
    await drained(all.database, answers, drainWithinMs);
    try {
      expect(answers.accepted.size).toBeGreaterThan(0);
      oldCheckpoint = await expectPromisesKept(all, { answers, elsewhere, oldCheckpoint });
    } catch (error) {
      const troubles = all.hosts.map((host) => host.troubles()).join('\n');
      process.stderr.write(`SLACKWATER_CRASH_SEED=${random.seed}\n${troubles}\n`);
      throw error;
    }
  }

  /** Undefined where that host does not answer: it may be the one that is away. */
  async function statusElsewhere(accepted: Accepted): Promise<number | undefined> {
    try {
      const signal = AbortSignal.timeout(lookWithinMs);
      const response = await fetch(anotherHost(all, accepted) + accepted.statusPath, { signal });
      await response.arrayBuffer();
      return response.status;
    } catch {
      return undefined;
    }
  }

  const logLeader = (): Promise<NatsNode> => all.cluster.leaderOf(logStream);

  async function logFollowers(): Promise<readonly NatsNode[]> {
    const leader = await logLeader();
    return all.cluster.nodes.filter((node) => node !== leader);
  }

  async function away(nodes: readonly NatsNode[]): Promise<void> {
    await Promise.all(nodes.map((node) => node.kill()));
    await sleep(awayMs);
    await Promise.all(nodes.map((node) => node.restart()));
  }

  it('keeps every promise while a follower of the log is killed', () =>
    promisesAreKept(async () => away((await logFollowers()).slice(0, 1))));

  it('keeps every promise while the leader of the log is killed', () =>
    promisesAreKept(async () => {
      const leader = await logLeader();
      await leader.kill();
      await logLeader();
      await leader.restart();
    }));

  it('keeps every promise while two servers of three are killed', () =>
    promisesAreKept(async () => {
      await away([await logLeader(), ...(await logFollowers()).slice(0, 1)]);
      await logLeader();
    }));

  it('keeps every promise while all servers are killed at once', () =>
    promisesAreKept(async () => {
      await away(all.cluster.nodes);
      await logLeader();
    }));

  it('keeps every promise while one host is cut off from all servers', () =>
    promisesAreKept(async () => {
      await Promise.all(all.network.map((proxy) => proxy.cut()));
      await sleep(awayMs);
      await Promise.all(all.network.map((proxy) => proxy.heal()));
    }));

  it('keeps every promise while one host hears nothing of any server, and does not know why', () =>
    promisesAreKept(async () => {
      for (const proxy of all.network) proxy.stall();
      await sleep(deafMs);
      await Promise.all(all.network.map((proxy) => proxy.heal()));
    }));

  it('keeps every promise while a host is killed', () =>
    promisesAreKept(async () => {
      await all.hosts[1].kill();
      await sleep(2 * leaseMs);
      await all.hosts[1].restart();
    }));

  it('keeps every promise while a host is stopped for longer than its leases, and goes on as if nothing had been', () =>
    promisesAreKept(async () => {
      all.hosts[0].pause();
      await sleep(2 * leaseMs);
      all.hosts[0].resume();
    }));
});
