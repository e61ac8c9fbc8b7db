import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type ManualClock, manualClock } from '@slackwater/test-support/manual-clock';
import express, { type Express } from 'express';
import type { OpenEngine } from '../../../packages/middleware/src/engines/engine.ts';
import { sqliteEngine } from '../../../packages/middleware/src/engines/sqlite/sqlite-engine.ts';
import type { Acceptance, Deferral } from '../../../packages/middleware/src/ledger/deferral.ts';
import { type Ledger, openLedger } from '../../../packages/middleware/src/ledger/open-ledger.ts';
import type {
  Admission,
  AdmissionAnswer,
  AdmissionItem,
} from '../../../packages/middleware/src/perform/admission.ts';
import {
  createPerformer,
  type Performer,
  type PerformerSetup,
} from '../../../packages/middleware/src/perform/performer.ts';
import type { PerformerEvent } from '../../../packages/middleware/src/perform/performer-events.ts';
import { createReplay } from '../../../packages/middleware/src/perform/replay.ts';
import type { ReplayApp } from '../../../packages/middleware/src/perform/through-app.ts';
import { countCalls } from './calls-under-way.ts';
import { captured } from './replaying.ts';
import { until } from './until.ts';

/** An admission as the tests set it: by default everything is admitted. */
export interface SetAdmission extends Admission {
  answer: (item: AdmissionItem) => AdmissionAnswer;
  asked: AdmissionItem[];
  /** Admitted and not yet finished. */
  open: number;
}

/** One process's share: an engine on the file, its ledger, its application, and a performer. */
export interface Workshop {
  readonly engine: OpenEngine;
  readonly ledger: Ledger;
  readonly app: Express;
  readonly performer: Performer;
  readonly admission: SetAdmission;
  readonly events: PerformerEvent[];
  accept(url: string, more?: Partial<Acceptance>): Promise<Deferral>;
  find(id: string): Promise<Deferral>;
  /** Lets time go on until the condition holds. */
  until(condition: () => boolean | Promise<boolean>): Promise<void>;
  /** Cancels what is not settled, so that the next performer finds nothing. */
  cancelAll(): Promise<void>;
  /** Until the deferral is settled or parked; answers it. */
  ended(id: string): Promise<Deferral>;
  close(): Promise<void>;
}

/** A folder and a clock, for one or several workshops. */
export interface Place {
  readonly directory: string;
  readonly clock: ManualClock;
  open(setup?: Partial<PerformerSetup>): Promise<Workshop>;
  remove(): Promise<void>;
}

export function place(startWallMs?: number): Place {
  const directory = mkdtempSync(join(tmpdir(), 'slackwater-perform-'));
  const clock = manualClock(startWallMs);
  const calls = { underWay: 0 };
  const opened: Workshop[] = [];
  /** No time passes while an engine is at work, so a slow machine does not look like a slow engine. */
  const goOn = (): void => {
    if (calls.underWay > 0) return;
    const attempted = opened.some(({ performer }) => performer.inFlight > 0);
    clock.advance(attempted ? stepMs : Math.min(Math.max(stepMs, clock.nextDueInMs ?? 0), strideMs));
  };
  return {
    directory,
    clock,
    async open(setup = {}) {
      const workshop = await openWorkshop(directory, { clock, calls, goOn }, setup);
      opened.push(workshop);
      return workshop;
    },
    async remove() {
      for (const workshop of opened) await workshop.close();
      rmSync(directory, { recursive: true });
    },
  };
}

export const admitted = (): AdmissionAnswer => ({ admitted: true, reasons: ['clear'], finished: () => {} });
export const turnedAway = (askAgainInMs = 200): AdmissionAnswer => ({
  admitted: false,
  reasons: ['over-threshold'],
  askAgainInMs,
});

function setAdmission(): SetAdmission {
  const admission: SetAdmission = {
    answer: admitted,
    asked: [],
    open: 0,
    admit(item) {
      admission.asked.push(item);
      const answer = admission.answer(item);
      if (!answer.admitted) return answer;
      admission.open += 1;
      return {
        ...answer,
        finished() {
          admission.open -= 1;
          answer.finished();
        },
      };
    },
  };
  return admission;
}

/** Time goes on in strides: none of them may look like an engine that does not answer. */
const patientMs = 600_000;

/** How far time goes on between two looks while something is attempted, and where nothing is. */
const stepMs = 20;
const strideMs = 250;

/** What the workshops of one place share. */
interface Shared {
  readonly clock: ManualClock;
  readonly calls: { underWay: number };
  readonly goOn: () => void;
}

async function openWorkshop(
  directory: string,
  { clock, calls, goOn }: Shared,
  setup: Partial<PerformerSetup>,
): Promise<Workshop> {
  const names = { application: 'shop', group: 'default' };
  const engine = countCalls(await sqliteEngine({ directory }).open({ ...names, clock }), calls);
  const ledger = await openLedger({ ...names, engine, clock, engineTimeoutMs: patientMs });
  await ledger.recover();
  const app = express();
  app.set('env', 'production');
  const admission = setAdmission();
  const events: PerformerEvent[] = [];
  const performer = createPerformer({
    queue: engine.queue,
    ledger,
    admission,
    replay: createReplay({ app: () => app as unknown as ReplayApp, clock }),
    completionsOf: () => 'at-least-once',
    clock,
    random: () => 0,
    on: (event) => events.push(event),
    ...setup,
    options: { leaseMs: 300_000, attemptTimeoutMs: 120_000, ...setup.options },
  });
  const advancing = (condition: () => boolean | Promise<boolean>) => until(condition, goOn);
  const find = async (id: string): Promise<Deferral> => {
    const deferral = await ledger.find(id);
    if (deferral === undefined) throw new Error(`no deferral ${id}`);
    return deferral;
  };
  return {
    engine,
    ledger,
    app,
    performer,
    admission,
    events,
    find,
    async accept(url, more = {}) {
      const result = await ledger.accept({
        request: captured('POST', url),
        route: url,
        workType: 'settle',
        priority: 2,
        partition: 'orders',
        requester: 'ann',
        reasons: ['over-threshold'],
        ...more,
      });
      if (result.kind !== 'accepted') throw new Error(result.kind);
      return result.deferral;
    },
    until: advancing,
    async cancelAll() {
      const error = { code: 'canceled-by-requester', message: 'the test is over' } as const;
      const { deferrals } = await ledger.list({ limit: 1_000 });
      for (const { id, attempts, phase } of deferrals) {
        if (phase !== 'settled') await ledger.step(id, { type: 'canceled', error, attempts });
      }
    },
    async ended(id) {
      await advancing(async () => ['settled', 'parked'].includes((await find(id)).phase));
      return find(id);
    },
    async close() {
      const closing = performer.close();
      let closed = false;
      void closing.then(() => {
        closed = true;
      });
      await advancing(() => closed);
      await ledger.close();
      await engine.close();
    },
  };
}
