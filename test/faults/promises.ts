import { parseCheckpoint } from '@slackwater/shared';
import { expect } from 'vitest';
import type { Accepted, Answers } from '../crash/callers.ts';
import { statusesOf } from '../crash/statuses.ts';
import { outOfLedgerOrder, timesOf, writtenRows } from '../crash/written-rows.ts';
import { verifyOnNats } from './ledger-bytes.ts';
import type { ThreeHosts } from './three-hosts.ts';

/** What the callers of one scenario saw. */
export interface Seen {
  readonly answers: Answers;
  /** What another host answered when it was asked for a deferral whose 202 had just come. */
  readonly elsewhere: ReadonlyMap<string, number>;
  /** A signed head from before. */
  readonly oldCheckpoint: string;
}

const agreeWithinMs = 30_000;

/** Another host than the one that accepted it. */
export function anotherHost({ hosts }: ThreeHosts, { address }: Accepted): string {
  const at = hosts.findIndex((host) => host.address === address);
  return hosts[(at + 1) % hosts.length]?.address ?? '';
}

/** The signed head that a host knows. */
export async function checkpointOf(address: string): Promise<string> {
  const response = await fetch(`${address}/slackwater/ledger/main/checkpoint`);
  if (!response.ok) throw new Error(`${address} gives no checkpoint: ${response.status}`);
  return response.text();
}

/** Everything that was promised is done, once, in order; and every host says the same of it. Gives the present head. */
export async function expectPromisesKept(all: ThreeHosts, seen: Seen): Promise<string> {
  await expectWorkDone(all, seen.answers);
  const strange = [...seen.elsewhere].filter(([, status]) => status !== 200 && status !== 503);
  expect(strange, 'answers of another host').toEqual([]);
  const statuses = await statusesOf(seen.answers.accepted.values(), (one) => anotherHost(all, one));
  const wrong = [...statuses].filter(([, status]) => status !== 'Succeeded');
  expect(wrong, 'statuses at another host').toEqual([]);
  expect(
    all.hosts.flatMap((host) => host.faults()),
    'faults of hosts',
  ).toEqual([]);
  return expectOneLedger(all, seen.oldCheckpoint);
}

async function expectWorkDone({ database }: ThreeHosts, answers: Answers): Promise<void> {
  expect([answers.strange, answers.hung], 'strange answers, and none').toEqual([[], []]);
  const rows = await writtenRows(database);
  const times = timesOf(rows);
  const acknowledged = [...answers.accepted.keys(), ...answers.done];
  const lost = acknowledged.filter((reference) => !times.has(reference));
  expect(lost, 'acknowledged and not done').toEqual([]);
  const twice = [...times].filter(([, count]) => count > 1);
  expect(twice, 'done more than once').toEqual([]);
  expect(outOfLedgerOrder(rows, answers), 'out of order').toEqual([]);
}

async function expectOneLedger(
  { hosts, cluster, keyFile }: ThreeHosts,
  oldCheckpoint: string,
): Promise<string> {
  const heads = async (): Promise<string[]> =>
    Promise.all(hosts.map(async ({ address }) => checkpointOf(address)));
  await expect.poll(async () => new Set(await heads()).size, { timeout: agreeWithinMs }).toBe(1);
  const [head = ''] = await heads();
  const { servers } = cluster;
  // What the hosts agree on stands on what they agreed on before, and the bytes on both. Those may go on: what became of a
  // request whose caller was never told may be written at any time.
  for (const known of [oldCheckpoint, head]) {
    const { verifierKey } = hosts[0];
    const report = await verifyOnNats({ servers, keyFile, verifierKey, oldCheckpoint: known });
    expect(report, JSON.stringify(report)).toMatchObject({ ok: true });
    expect(report.ok && report.size).toBeGreaterThanOrEqual(parseCheckpoint(head).size);
  }
  return head;
}
