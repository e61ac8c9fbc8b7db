import type { ServerResponse } from 'node:http';
import { type ManualClock, manualClock } from '@slackwater/test-support/manual-clock';
import express, { type Express, type Request } from 'express';
import type {
  Records,
  ResourceParts,
} from '../../../../packages/middleware/src/answer/resources/contract.ts';
import { createResources } from '../../../../packages/middleware/src/answer/resources/create-resources.ts';
import { heldOpenUpTo } from '../../../../packages/middleware/src/answer/resources/held-open.ts';
import { tokenVerifier } from '../../../../packages/middleware/src/audit/verify-token.ts';
import { systemClock } from '../../../../packages/middleware/src/clock.ts';
import { auditDesk } from '../../../../packages/middleware/src/joins/audit-desk.ts';
import { queueDesk } from '../../../../packages/middleware/src/joins/queue-desk.ts';
import { controlWorkTypes } from '../../../../packages/middleware/src/joins/work-types.ts';
import type {
  Acceptance,
  Deferral,
  Outcome,
  Step,
} from '../../../../packages/middleware/src/ledger/deferral.ts';
import type { Ledger } from '../../../../packages/middleware/src/ledger/open-ledger.ts';
import { groupMark } from '../../../../packages/middleware/src/ledger/ulid.ts';
import { gateVoice } from '../../../../packages/middleware/src/options/gate-voice.ts';
import { resolveOptions } from '../../../../packages/middleware/src/options/resolve-options.ts';
import { cancelDeferral } from '../../../../packages/middleware/src/perform/cancel.ts';
import { performerDefaults } from '../../../../packages/middleware/src/perform/performer-options.ts';
import { QueueActivity } from '../../../../packages/middleware/src/perform/queue-activity.ts';
import { QueuePauses } from '../../../../packages/middleware/src/perform/queue-pauses.ts';
import { redriveDeferral } from '../../../../packages/middleware/src/perform/redrive.ts';
import { auth, claims, signed } from '../../audit/issuer.ts';
import {
  acceptanceOf,
  type Bench,
  ledgerBench,
  type OpenedLedger,
  type Overrides,
} from '../../ledger/ledgers.ts';

export const base = '/slackwater';
/** A well-formed id that was never given out. */
export const nobodys = '01ARZ3NDEKTSV4RRFFQ69G5FAV';

/** A real ledger, and its resources in a real application. */
export interface Office {
  readonly bench: Bench;
  readonly opened: OpenedLedger;
  readonly ledger: Ledger;
  /** The time of the resources and of tokens; the ledger's is real. */
  readonly clock: ManualClock;
  readonly app: Express;
  readonly troubles: unknown[];
  readonly audit: Records['audit'];
  /** Partitions whose queued items were to be tried at once. */
  readonly woken: readonly string[];
  /** How many listen for changes. */
  listening(): number;
  accept(
    overrides?: Partial<Acceptance>,
  ): Promise<{ deferral: Deferral; id: string; capability: string; url: string }>;
  /** A step in this process, which those who listen hear of. */
  step(id: string, step: Step): Promise<Deferral | undefined>;
  perform(id: string, outcome: Outcome | undefined): Promise<void>;
  fail(id: string, outcome: Outcome | undefined): Promise<void>;
  token(scope?: string): string;
  close(): Promise<void>;
}

export interface OfficeSetup {
  readonly parts?: Partial<ResourceParts>;
  readonly records?: Partial<Records>;
  readonly express?: typeof express;
  readonly ledger?: Overrides;
  /** What stands in the application before the gate. */
  readonly before?: (app: Express) => void;
  readonly mount?: string;
  /** How many requests may be held open. */
  readonly heldOpen?: number;
}

/** The requester is who the header X-User names. */
export const userOf = (req: Request): string | undefined => req.get('x-user');

export async function office(setup: OfficeSetup = {}): Promise<Office> {
  const bench = await ledgerBench();
  const opened = await bench.open(setup.ledger);
  const clock = manualClock();
  const listeners = new Set<{ id: string; listener: () => void }>();
  const troubles: unknown[] = [];
  const { ledger, engine } = opened;
  const { attemptTimeoutMs } = performerDefaults;
  const cancelParts = {
    ledger,
    queue: engine.queue,
    completionsOf: () => 'at-least-once' as const,
    clock,
    options: { ...performerDefaults, attemptTimeoutMs },
    tell: () => {},
  };
  const audit = auditDesk(
    {
      application: 'payments',
      group: 'default',
      auth: undefined,
      ledger: { indexDirectory: undefined, engineTimeoutMs: 30_000 },
    },
    { engine, ledger },
    systemClock,
    (doing, error) => troubles.push({ doing, error }),
  );
  const tellChange = (id: string): void => {
    for (const one of [...listeners]) if (one.id === id) one.listener();
  };
  const woken: string[] = [];
  const activity = new QueueActivity(clock);
  const desk = queueDesk(
    'default',
    engine.queue,
    new QueuePauses(engine.store, clock),
    {
      lanes: () => [{ partition: 'payments', running: 1, atOnce: 4 }],
      wake: (partition) => void woken.push(partition ?? '(all)'),
    },
    activity,
    () => audit.status()?.parked,
  );
  const parts: ResourceParts = {
    clock,
    publicUrl: undefined,
    basePath: base,
    definitions: {
      list: async () => [],
      find: async () => undefined,
      define: async () => ({}),
      remove: async () => false,
    },
    records: [
      {
        home: { application: 'payments', group: 'default', durable: 'fsync' },
        mark: groupMark('default'),
        isPublic: true,
        status: () => 'ready',
        ledger: async () => ledger,
        audit,
        runs: { report: async () => undefined, progress: async () => undefined, provide: async () => {} },
        queue: {
          view: () => desk.view(),
          setPaused: (...change) => desk.setPaused(...change),
          drain: async (partition) => desk.drain(partition),
        },
        cancel: (id) => cancelDeferral(cancelParts, id),
        async redrive(id, terms) {
          const wish = { ledger, tell: () => {} };
          return (await redriveDeferral(wish, id, terms)).result;
        },
        erase: async () => ({ status: 'nothing-kept' }),
        onChange(id, listener) {
          const one = { id, listener };
          listeners.add(one);
          return () => listeners.delete(one);
        },
        ...setup.records,
      },
    ],
    batches: () => [{ name: 'settlements', state: 'waiting' }],
    requester: userOf,
    verifyToken: tokenVerifier(auth, clock),
    pollAfterMs: () => 1_500,
    partitions: () => [{ partition: 'payments', valueMs: 12.5 }],
    learnedRoutes: () => [
      { route: 'POST /orders/:id', partitions: [{ partition: 'payments', quietMs: 40 }] },
    ],
    metrics: undefined,
    decisions: () => [],
    shadow: () => ({}),
    workTypes: workTypesOf(),
    health: async () => ({ status: 'ready', details: { queued: 0 } }),
    tellTrouble: (doing, error) => troubles.push({ doing, error }),
    ...setup.parts,
  };
  const step = async (id: string, what: Step): Promise<Deferral | undefined> => {
    const deferral = await ledger.step(id, what);
    tellChange(id);
    return deferral;
  };
  return {
    bench,
    opened,
    ledger,
    clock,
    app: application(parts, setup),
    troubles,
    audit,
    woken,
    listening: () => listeners.size,
    async accept(overrides = {}) {
      const result = await ledger.accept(acceptanceOf(overrides));
      if (result.kind !== 'accepted') throw new Error(result.kind);
      const { deferral, capability } = result;
      const { id } = deferral;
      return { deferral, id, capability, url: `${base}/deferrals/${id}?capability=${capability}` };
    },
    step,
    async perform(id, outcome) {
      await step(id, { type: 'performing', token: 1 });
      await step(id, { type: 'performed', token: 1, outcome });
    },
    async fail(id, outcome) {
      await step(id, { type: 'performing', token: 1 });
      const error = { code: 'route-refused', message: 'The route answered 409.' } as const;
      await step(id, { type: 'failed', token: 1, outcome, error });
    },
    token: (scope = 'audit:read') => `Bearer ${signed(claims(clock.wallNow(), scope))}`,
    async close() {
      await audit.close();
      await bench.end();
    },
  };
}

function application(parts: ResourceParts, setup: OfficeSetup): Express {
  const app = (setup.express ?? express)();
  setup.before?.(app);
  const { heldOpen } = setup;
  const resources =
    heldOpen === undefined ? createResources(parts) : createResources(parts, heldOpenUpTo(heldOpen));
  const gate = (req: Request, res: ServerResponse, next: () => void): void => {
    const [path = ''] = req.url.split('?', 1);
    if (path === base || path.startsWith(`${base}/`)) void resources(req, res, path.slice(base.length));
    else next();
  };
  app.use(setup.mount ?? '/', gate);
  return app;
}

/** The real work types of a gate without an engine. */
export function workTypesOf(): ResourceParts['workTypes'] {
  const options = resolveOptions({
    workTypes: {
      authorize: { priority: 1, exempt: true },
      settle: { priority: 2, thresholdMs: 200 },
      report: { priority: 3, thresholdMs: 80 },
    },
  });
  const deciding = { ranks: [], admissions: { thresholdsChanged() {}, thresholdsOf: () => new Map() } };
  return controlWorkTypes(options, [...options.workTypes], deciding, gateVoice(), undefined);
}
