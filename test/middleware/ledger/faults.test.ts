import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseEntry } from '@slackwater/shared';
import { type ManualClock, manualClock } from '@slackwater/test-support/manual-clock';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Engine, OpenEngine } from '../../../packages/middleware/src/engines/engine.ts';
import { EngineError } from '../../../packages/middleware/src/engines/engine-error.ts';
import { sqliteEngine } from '../../../packages/middleware/src/engines/sqlite/sqlite-engine.ts';
import { type Ledger, openLedger } from '../../../packages/middleware/src/ledger/open-ledger.ts';
import { type Fault, faultyEngine, type Plan } from './faulty-engine.ts';
import { acceptanceOf, inTwo } from './ledgers.ts';

// Every write from an acceptance to its settlement, on a real engine: refused, in doubt, and done although an error said
// otherwise. docs/durability.md tells the same by crash point, and says what must hold.

const faults: readonly Fault[] = [
  'failed',
  'failed, with its fate unknown',
  'failed, but the bytes persisted',
];

/** What goes wrong next: the process goes on, or that was its end. */
const afterwards = ['goes on', 'was killed'] as const;
type After = (typeof afterwards)[number];

interface Owner {
  readonly application: string;
  readonly group: string;
  readonly clock: ManualClock;
}

/** The writes of one life, in order, and what each is. */
type Writes = readonly (readonly [write: string, what: string])[];

const opening: Writes = [
  ['store.create ledger/', 'whose keys a new ledger has'],
  ['wrappedKeys.create current', 'the version that requesters’ keys are wrapped under'],
  ['store.create work-types/', 'the changed work types, none yet'],
];
const preparing: Writes = [
  ['store.create key/', 'the record of the Idempotency-Key'],
  ['wrappedKeys.create requester/', 'the key of the requester, wrapped'],
  ['store.create requester/', 'the record of the requester'],
  ['store.create payload/', 'the payload record'],
];
const carryingOver: Writes = [
  ['queue.enqueue', 'the queue item'],
  ['store.create deferral/', 'the state'],
];
const claiming: Writes = [
  ['queue.claim', 'the claim of the item'],
  ['store.update deferral/', 'the claim in the state'],
];
const keepingOutcome: Writes = [['store.put outcome/', 'the outcome']];
const settling: Writes = [
  ['store.update deferral/', 'the settled state'],
  ['queue.settle', 'the settling of the item'],
  ['store.put recovery/', 'how far recovery has come'],
];

/** An entry and its block are one write where the engine can do that, and else two. */
const atOnce = (type: string): Writes => [['log.appendSealed blocks/', `the entry "${type}" with its block`]];
const append = (type: string): Writes => [['log.append', `the entry "${type}"`]];
const block = (type: string): Writes => [['store.create blocks/', `the block behind "${type}"`]];
const inTurn = (type: string): Writes => [...append(type), ...block(type)];

interface Path {
  readonly of: string;
  readonly as: (engine: OpenEngine) => OpenEngine;
  readonly writes: Writes;
}

const paths: readonly Path[] = [
  {
    of: 'an engine that appends an entry with its block',
    as: (engine) => engine,
    writes: [
      ...opening,
      ...preparing,
      ...atOnce('accepted'),
      ...carryingOver,
      ...claiming,
      ...atOnce('performing'),
      ...keepingOutcome,
      ...atOnce('performed'),
      ...settling,
    ],
  },
  {
    of: 'an engine that needs two writes for that',
    as: (engine) => ({ ...engine, log: inTwo(engine.log) }),
    writes: [
      ...opening,
      ...preparing,
      ...append('accepted'),
      // Beside the sealing.
      ...carryingOver,
      ...block('accepted'),
      ...claiming,
      ...inTurn('performing'),
      ...keepingOutcome,
      ...inTurn('performed'),
      ...settling,
    ],
  },
];

let directory: string;
let engine: Engine;
let keepsThread: OpenEngine;
let lives = 0;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'slackwater-faults-'));
  engine = sqliteEngine({ directory });
  keepsThread = await engine.open({ application: 'keeps', group: 'thread', clock: manualClock() });
});

afterAll(async () => {
  await keepsThread.close();
  await rm(directory, { recursive: true, force: true });
});

/** One write fails, and with it a few calls at most. */
const mostFailures = 10;
const mostRounds = 10;

/** One deferral from its acceptance to its settlement, by a caller and a performer who do not give up. */
class Life {
  readonly #clock: ManualClock;
  readonly #owner: Owner;
  readonly #real: OpenEngine;
  readonly #path: Path;
  readonly #after: After;
  /** Heads that somebody may have kept. */
  readonly #seen: string[] = [];
  readonly #acknowledged = new Set<string>();
  #engine: OpenEngine;
  #ledger: Ledger | undefined;
  readonly writes: readonly string[];
  failures = 0;

  private constructor(owner: Owner, real: OpenEngine, path: Path, after: After, plan?: Plan) {
    const faulty = faultyEngine(path.as(real), plan);
    this.#clock = owner.clock;
    this.#owner = owner;
    this.#real = real;
    this.#path = path;
    this.#after = after;
    this.#engine = faulty.engine;
    this.writes = faulty.writes;
  }

  /** In a scope of its own, on the one thread. */
  static async begin(path: Path, after: After, plan?: Plan): Promise<Life> {
    lives += 1;
    const owner = { application: `life ${lives}`, group: 'main', clock: manualClock() };
    return new Life(owner, await engine.open(owner), path, after, plan);
  }

  async live(): Promise<void> {
    const id = await this.#accept();
    for (let round = 0; ; round++) {
      expect(round, 'it is not settled').toBeLessThan(mostRounds);
      const ledger = await this.#open();
      this.#seen.push(await ledger.checkpoint());
      const found = await ledger.find(id);
      // Whatever happens: what was acknowledged is there, and is one.
      expect(found, 'it was acknowledged').toBeDefined();
      expect((await ledger.list({ limit: 10 })).deferrals).toHaveLength(1);
      if (found?.status === 'Succeeded' && (await this.#engine.queue.backlog()).length === 0) break;
      await this.#try(() => this.#perform(ledger, id));
    }
    await this.#try(async () => (await this.#open()).recover());
    await this.#checkEnd(id);
    await this.#ledger?.close();
    await this.#real.close();
  }

  /** What failed is tried again; the process that it failed in may be gone. */
  async #try(work: () => Promise<unknown>): Promise<void> {
    for (;;) {
      try {
        await work();
        return;
      } catch (error) {
        this.#failed(error);
      }
    }
  }

  #failed(error: unknown): void {
    expect(error).toBeInstanceOf(EngineError);
    this.failures += 1;
    if (this.failures > mostFailures) throw error;
    // Also the time within which whoever held the item had to prolong its lease.
    this.#clock.advance(2_000);
    if (this.#after === 'goes on') return;
    this.#engine = this.#path.as(this.#real);
    this.#ledger = undefined;
  }

  async #open(): Promise<Ledger> {
    while (this.#ledger === undefined) {
      try {
        this.#ledger = await openLedger({ ...this.#owner, engine: this.#engine, recoverEveryMs: 1e9 });
        await this.#ledger.recover();
      } catch (error) {
        this.#ledger = undefined;
        this.#failed(error);
      }
    }
    return this.#ledger;
  }

  /** As a caller does: again with the same key, until there is an answer. */
  async #accept(): Promise<string> {
    for (;;) {
      const ledger = await this.#open();
      try {
        const result = await ledger.accept(acceptanceOf({ idempotencyKey: 'k', orderKey: 'o' }));
        if (result.kind !== 'accepted') throw new Error(result.kind);
        this.#acknowledged.add(result.deferral.id);
        return result.deferral.id;
      } catch (error) {
        await this.#checkRefused(error);
        this.#failed(error);
      }
    }
  }

  /** What was refused is shown nowhere; of what is in doubt there is all or nothing. */
  async #checkRefused(error: unknown): Promise<void> {
    const size = await this.#real.log.size();
    if (error instanceof EngineError && error.fate === 'none') expect(size).toBe(0);
    if (size > 0) return;
    expect(await this.#real.queue.backlog()).toEqual([]);
    expect((await this.#ledger?.list({ limit: 10 }))?.deferrals).toEqual([]);
  }

  /** As a performer does: claim, begin, work, settle; and take off the queue what is settled. */
  async #perform(ledger: Ledger, id: string): Promise<void> {
    const { queue } = this.#engine;
    const [claim] = await queue.claim({ partition: 'payments', limit: 1, leaseMs: 1_000, holder: 'h' });
    if (claim === undefined) return void this.#clock.advance(2_000);
    const { token } = claim;
    const begun = await ledger.step(id, { type: 'performing', token });
    const result = { status: 200, headers: [], body: Buffer.from('done') };
    if (begun !== undefined) await ledger.step(id, { type: 'performed', token, outcome: result });
    if ((await ledger.find(id))?.status === 'Succeeded') await queue.settle(id, token);
  }

  async #checkEnd(id: string): Promise<void> {
    const ledger = await this.#open();
    expect(this.#acknowledged).toEqual(new Set([id]));
    expect((await ledger.list({ limit: 10 })).deferrals).toMatchObject([{ id, status: 'Succeeded' }]);
    expect(Buffer.from((await ledger.outcome(id))?.body ?? []).toString()).toBe('done');
    const types = (await this.#real.log.read(0, 100)).map((bytes) => parseEntry(bytes).type);
    expect(types.filter((type) => type === 'performed')).toHaveLength(1);
    for (const head of this.#seen) {
      expect(await ledger.verify(head)).toMatchObject({ ok: true, size: types.length });
    }
  }
}

describe.each(paths)('$of', (path) => {
  const ios = path.writes.map(([write, what], at) => ({ at, write, what }));

  it('writes what is told here, and nothing else', async () => {
    const life = await Life.begin(path, 'goes on');
    await life.live();
    expect(life.writes).toEqual(path.writes.map(([write]) => write));
    expect(life.failures).toBe(0);
  });

  it('writes nothing that docs/durability.md does not tell of', () => {
    const document = readFileSync(new URL('../../../docs/durability.md', import.meta.url), 'utf8');
    expect(path.writes.filter(([write]) => !document.includes(`\`${write}\``))).toEqual([]);
  });

  describe.each(ios)('$what ($write)', ({ at, write }) => {
    it.each(faults)('%s: nothing is lost, and nothing is done twice', async (fault) => {
      const lived = afterwards.map(async (after) => {
        const life = await Life.begin(path, after, { at, fault });
        await life.live();
        expect(life.writes[at]).toBe(write);
      });
      await Promise.all(lived);
    });
  });
});
