import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { encodeEntry, type LedgerEntry } from '@slackwater/shared';
import {
  type AuditIndex,
  openAuditIndex,
} from '../../../packages/middleware/dist/audit/index/audit-index.js';
import type { IndexQuery } from '../../../packages/middleware/dist/audit/index/contract.js';
import { systemClock as clock } from '../../../packages/middleware/dist/clock.js';
import type { Benchmark, Figure, Run } from '../benchmark.ts';
import { fewestSamples, type Spread, spreadOf } from '../statistics.ts';
import {
  acceptedAt,
  buildIndex,
  entriesEach,
  ledgerName,
  newestEntry,
  requesterOf,
  values,
} from './build-index.ts';

const hour = 3_600_000;

/** One question of each kind, by number. */
const kinds: Readonly<Record<string, (n: number, deferrals: number) => Partial<IndexQuery>>> = {
  everything: () => ({}),
  'one requester': (n) => ({ requester: requesterOf((n * 31_337) % values.requesters) }),
  'one state': (n) => ({ status: n % 2 === 0 ? 'Failed' : 'NotStarted' }),
  'one partition': (n) => ({ partition: `shard ${n % values.partitions}` }),
  'an operation, settled': (n) => ({
    phase: 'settled',
    method: 'POST',
    route: `/payments/${n % values.operations}/:id/settle`,
  }),
  'an hour of failures': (n, deferrals) => {
    const createdFrom = acceptedAt((n * 7_919) % deferrals);
    return { status: 'Failed', createdFrom, createdBefore: createdFrom + hour };
  },
  'partition, work type and state': (n) => ({
    partition: `shard ${n % values.partitions}`,
    workType: `work ${n % values.workTypes}`,
    status: 'Failed',
  }),
};

/** What questions of auditors take, and what the index takes. */
export const audit: Benchmark = {
  name: 'audit',
  title: 'queries of auditors over an index of the ledger',
  async measure(run) {
    const directory = mkdtempSync(join(tmpdir(), 'slackwater-bench-audit-'));
    try {
      const sizes = run.quick ? [100_000] : [100_000, 1_000_000, 10_000_000];
      const figures: Figure[] = [];
      for (const size of sizes) figures.push(...(await queries(run, directory, size, size === sizes.at(-1))));
      figures.push(await catchUp(run, directory));
      return figures;
    } finally {
      rmSync(directory, { recursive: true, force: true });
    }
  },
};

async function queries(
  { quick, progress }: Run,
  directory: string,
  entries: number,
  inDetail: boolean,
): Promise<readonly Figure[]> {
  const shown = entries.toLocaleString('en');
  const path = join(directory, `${entries}.db`);
  progress(`building the index of ${shown} entries`);
  buildIndex(path, entries);
  const deferrals = Math.floor(entries / entriesEach);
  const size = deferrals * entriesEach;
  const log = {
    size: async () => size,
    read: async (from: number) => (from === size - 1 ? [newestEntry] : []),
  };
  const index = openAuditIndex({ log, clock, path, ledger: ledgerName, lookEveryMs: hour });
  try {
    const { bytes } = await index.catchUp();
    const taken = new Map<string, Spread>();
    for (const [name, queryOf] of Object.entries(kinds)) {
      progress(`${shown} entries: ${name}`);
      taken.set(name, await p99Of(index, (n) => queryOf(n, deferrals), quick ? 40 : 100));
    }
    const worst = [...taken.values()].reduce((a, b) => (a.median > b.median ? a : b));
    const target = { atMost: 10_000 } as const;
    const details = inDetail
      ? [...taken].map(
          ([name, value]): Figure => ({ what: `99th percentile, ${name}`, unit: 'µs', value, target }),
        )
      : [];
    return [
      {
        what: `99th percentile of the slowest kind of query, ${shown} entries`,
        unit: 'µs',
        value: worst,
        target,
        note: 'pages of 100, through the thread, and a look at the end of the log',
      },
      ...details,
      {
        what: `index, of ${shown} entries`,
        unit: 'bytes',
        value: exactly(bytes / size),
        note: 'for each entry',
      },
    ];
  } finally {
    await index.close();
  }
}

/** What does not vary. */
function exactly(value: number): Spread {
  return spreadOf(Array<number>(fewestSamples).fill(value));
}

/** The 99th percentile, of several rounds, µs. */
async function p99Of(
  index: AuditIndex,
  queryOf: (n: number) => Partial<IndexQuery>,
  perRound: number,
): Promise<Spread> {
  const rounds: number[] = [];
  for (let round = 0; round < 7; round++) {
    const took: number[] = [];
    for (let n = 0; n < perRound; n++) {
      const startedAt = performance.now();
      await index.list({ limit: 100, ...queryOf(round * perRound + n) });
      took.push((performance.now() - startedAt) * 1_000);
    }
    took.sort((a, b) => a - b);
    rounds.push(took[Math.ceil(perRound * 0.99) - 1] ?? 0);
  }
  return spreadOf(rounds);
}

/** How quickly an index that was lost comes back. */
async function catchUp({ quick, progress }: Run, directory: string): Promise<Figure> {
  const count = quick ? 6_000 : 60_000;
  const entries = Array.from({ length: count }, (_, n) => encodeEntry(entryOf(n)));
  const log = {
    size: async () => entries.length,
    read: async (from: number, limit: number) => entries.slice(from, from + limit),
  };
  const rates: number[] = [];
  for (let round = 0; round < 7; round++) {
    progress(`catching up, round ${round + 1}`);
    const path = join(directory, `again-${round}.db`);
    const index = openAuditIndex({ log, clock, path, ledger: ledgerName, lookEveryMs: hour });
    const startedAt = performance.now();
    await index.catchUp();
    rates.push((count / (performance.now() - startedAt)) * 1_000);
    await index.close();
  }
  return { what: 'entries read into an index', unit: 'per second', value: spreadOf(rates) };
}

function entryOf(n: number): LedgerEntry {
  const deferral = Math.floor(n / entriesEach);
  const kind = (['accepted', 'performing', 'performed'] as const)[n % entriesEach] ?? 'accepted';
  return {
    v: 1,
    type: kind,
    id: `01${String(deferral).padStart(24, '0')}`,
    at: new Date(acceptedAt(deferral)).toISOString(),
    group: 'main',
    application: 'bench',
    method: 'POST',
    route: `/payments/${deferral % values.operations}/:id/settle`,
    workType: `work ${deferral % values.workTypes}`,
    partition: `shard ${deferral % values.partitions}`,
    requester: requesterOf((deferral * 7_919) % values.requesters),
    reasons: kind === 'accepted' ? ['over-threshold'] : [],
    ...(kind === 'accepted' ? { payload: Buffer.alloc(32).toString('base64') } : { attempt: 1 }),
  };
}
