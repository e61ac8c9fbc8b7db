import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fromBase64, type LedgerReport, verifyLedger, verifyReceipt } from '@slackwater/shared';
import { startPostgres } from '@slackwater/test-support/postgres';
import { startProxy } from '@slackwater/test-support/proxy';
import { type SlowCommits, slowCommits } from '@slackwater/test-support/slow-commits';
import pg from 'pg';
import { ed25519Verify } from '../../../packages/middleware/src/ledger/signer.ts';
import { type Answers, startCallers } from '../callers.ts';
import type { Random } from '../random.ts';
import { statusesOf } from '../statuses.ts';
import { readStoredLedger, type StoredLedger } from '../stored-ledger.ts';
import { changeWeather } from '../weather.ts';
import { descents, drained, outOfLedgerOrder, type Row, timesOf, writtenRows } from '../written-rows.ts';
import { type KeptHost, keepHost } from './hosts.ts';
import { inAnyOrder, type Misfortune, misfortunes } from './misfortunes.ts';

/** What is asked of a chaos. */
export interface ChaosWish {
  readonly hosts: number;
  /** For so long things go wrong; and until each kind has happened so often. */
  readonly forMs: number;
  readonly atLeast: number;
  /** So many answers are given between two misfortunes, if it does not take too long. */
  readonly answersBetween: number;
  readonly random: Random;
  readonly show?: (text: string) => void;
}

/** What came of it, counted from the database and the ledger. */
export interface ChaosReport {
  readonly happened: ReadonlyMap<Misfortune, number>;
  readonly accepted: number;
  /** Written to the database, and of these by performing deferrals. */
  readonly rows: number;
  readonly replayed: number;
  readonly answersLost: number;
  readonly failed: number;
  readonly hung: number;
  /** Acknowledged, by 202 or by success, and not in the database. */
  readonly lost: readonly string[];
  readonly duplicated: readonly string[];
  /** Performed before what was recorded, or ordered, earlier with the same key. */
  readonly overtaken: readonly string[];
  /** Not told to have succeeded. */
  readonly unsettled: readonly string[];
  /** Answers that nobody should get, and receipts that do not verify. */
  readonly strange: readonly string[];
  readonly ledger: LedgerReport;
  readonly entries: number;
}

const betweenMs = { least: 50, most: 400 } as const;
/** Quick for long enough that what was deferred is performed while everything goes wrong. */
const quickness = 2;
const worksWithinMs = 8_000;
const answeredWithinMs = 60_000;
const drainWithinMs = 120_000;

/** Several hosts on one ledger, and everything goes wrong that may. Throws where it can't be brought to an end. */
export async function chaos(wish: ChaosWish): Promise<ChaosReport> {
  const folder = mkdtempSync(join(tmpdir(), 'slackwater-chaos-'));
  const postgres = await startPostgres({ database: 'shop' });
  const operator = new pg.Pool({ connectionString: postgres.connectionString, max: 3 });
  operator.on('error', () => {});
  const proxy = await startProxy(`${postgres.host}:${postgres.port}`);
  const through = new URL(postgres.connectionString);
  through.host = proxy.address;
  const ledgerDirectory = join(folder, 'ledger');
  const hosts: KeptHost[] = [];
  try {
    for (let n = 0; n < wish.hosts; n++) hosts.push(await keepHost(ledgerDirectory, through.href));
    const [verifierKey = ''] = await Promise.all(hosts.map((host) => host.listening()));
    const commits = steady(await slowCommits(operator, ['payments', 'orders', 'reports']));
    const weather = changeWeather(commits, wish.random, quickness);
    const addressOf = (): string => hosts[Math.floor(Math.random() * hosts.length)]?.address ?? '';
    const callers = startCallers({ address: addressOf, routesMayFail: true });
    const oldCheckpoint = await checkpointOf(hosts);
    const happened = await happen(wish, callers.answers, {
      hosts,
      postgres,
      proxy,
      operator,
      random: wish.random,
    });
    const say = (text: string): void => wish.show?.(text);
    say('all is well again: waiting for the hosts');
    await proxy.heal();
    await Promise.all([weather.clearUp(), ...hosts.map((host) => host.listening())]);
    say('waiting for the last answers');
    const { answers } = callers;
    await Promise.race([callers.finish(), tooLate(answers)]);
    const { length: written } = (await writtenRows(operator)).filter(({ reference }) =>
      answers.accepted.has(reference),
    );
    say(`waiting for ${answers.accepted.size - written} of ${answers.accepted.size} deferrals`);
    await drained(operator, answers, drainWithinMs);
    say('asking what became of each deferral');
    const statuses = await statusesOf(answers.accepted.values(), () => hosts[0]?.address ?? '');
    say('verifying');
    await Promise.all(hosts.map((host) => host.end()));
    const rows = await writtenRows(operator);
    const stored = readStoredLedger(ledgerDirectory, join(folder, 'copy'), 'shop');
    return {
      happened,
      ...counted(answers, rows),
      unsettled: [...statuses].flatMap(([reference, status]) =>
        status === 'Succeeded' ? [] : [`${reference}: ${String(status)}`],
      ),
      strange: [...answers.strange, ...badReceipts(answers, stored, verifierKey)],
      ledger: verifyLedger({ ...stored, verifierKeys: [verifierKey], oldCheckpoint, ed25519Verify }),
      entries: stored.entries.length,
    };
  } finally {
    await Promise.all(hosts.map((host) => host.end()));
    await proxy.stop();
    await operator.end();
    await postgres.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

async function happen(
  { forMs, atLeast, answersBetween, random, show }: ChaosWish,
  answers: Answers,
  victims: Parameters<(typeof misfortunes)[Misfortune]>[0],
): Promise<ReadonlyMap<Misfortune, number>> {
  const happened = new Map<Misfortune, number>();
  const kinds = Object.keys(misfortunes).length;
  const until = Date.now() + forMs;
  let count = 0;
  for (const next of inAnyOrder(random)) {
    if (Date.now() >= until && count >= kinds * atLeast) break;
    await workedFor(answers, answersBetween);
    await sleep(random.between(betweenMs.least, betweenMs.most));
    show?.(`${count} misfortunes; ${next}`);
    // Two at once may meet: what can't be done because of the other one was no misfortune.
    const isDone = await misfortunes[next](victims).then(
      () => true,
      () => false,
    );
    if (isDone) happened.set(next, (happened.get(next) ?? 0) + 1);
    count += 1;
  }
  return happened;
}

/** What does no work can't be disturbed at it. */
async function workedFor({ accepted, done }: Answers, answersBetween: number): Promise<void> {
  const before = accepted.size + done.size;
  const deadline = Date.now() + worksWithinMs;
  while (accepted.size + done.size < before + answersBetween && Date.now() < deadline) await sleep(10);
}

/** A database that is being restarted is slowed down later. */
function steady(commits: SlowCommits): SlowCommits {
  return {
    async set(ms, parallelism) {
      for (;;) {
        try {
          return await commits.set(ms, parallelism);
        } catch {
          await sleep(20);
        }
      }
    },
  };
}

function counted(answers: Answers, rows: readonly Row[]) {
  const times = timesOf(rows);
  const acknowledged = new Set([...answers.accepted.keys(), ...answers.done]);
  const byCustomer = ({ reference, customer }: Row): { of: string; place: number } | undefined => {
    const count = /^order-regular-\d+-(\d+)$/.exec(reference)?.[1];
    return count === undefined ? undefined : { of: customer, place: Number(count) };
  };
  return {
    accepted: answers.accepted.size,
    rows: rows.length,
    replayed: rows.filter(({ replayed }) => replayed).length,
    answersLost: answers.answersLost,
    failed: answers.failed,
    hung: answers.hung.length,
    lost: [...acknowledged].filter((reference) => !times.has(reference)),
    duplicated: [...times].flatMap(([reference, count]) => (count > 1 ? [`${reference}: ${count}`] : [])),
    overtaken: [...outOfLedgerOrder(rows, answers), ...descents(rows, byCustomer)],
  };
}

function badReceipts(answers: Answers, { entries }: StoredLedger, verifierKey: string): readonly string[] {
  return [...answers.accepted.values()].flatMap(({ reference, resource }) => {
    const entry = fromBase64(resource.entry) ?? new Uint8Array();
    try {
      const trust = { entry, verifierKeys: [verifierKey] };
      const { index } = verifyReceipt(resource.receipt, trust, { ed25519Verify });
      if (Buffer.from(entries[index] ?? []).equals(entry)) return [];
      return [`${reference}: entry ${index} of the ledger is another`];
    } catch (error) {
      return [`${reference}: ${String(error)}`];
    }
  });
}

async function checkpointOf(hosts: readonly KeptHost[]): Promise<string> {
  const response = await fetch(`${hosts[0]?.address}/slackwater/ledger/main/checkpoint`);
  if (!response.ok) throw new Error(`The checkpoint was refused: ${response.status}`);
  return response.text();
}

async function tooLate({ strange, hung }: Answers): Promise<never> {
  await sleep(answeredWithinMs, undefined, { ref: false });
  throw new Error(`Requests were not answered: ${strange.join(', ')}; hung: ${hung.join(', ')}`);
}
