import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { ServerResponse } from 'node:http';
import type { NextFunction, Request } from 'express';
import { firstTimeHere } from './answer/first-time-here.ts';
import type { GateParts, Recorder } from './answer/gate-parts.ts';
import { requestJudge } from './answer/handle.ts';
import { pollAfterMs } from './answer/poll-after.ts';
import { passReplay } from './answer/replays.ts';
import { factFinder } from './answer/request-facts.ts';
import { pathBelow } from './answer/request-paths.ts';
import type { ResourceParts } from './answer/resources/contract.ts';
import { createResources } from './answer/resources/create-resources.ts';
import { healthOfLedger } from './answer/resources/health.ts';
import { auditInProcess, ledgerInProcess } from './audit/in-process.ts';
import { tokenVerifier } from './audit/verify-token.ts';
import { systemClock, type Timer } from './clock.ts';
import { routeTable } from './decide/route-table.ts';
import { commitSources } from './drivers/driver.ts';
import { type GateBatches, keepBatches } from './joins/batches.ts';
import { type Candidates, findCandidates } from './joins/candidates.ts';
import { type Deciding, decide, measure } from './joins/decide.ts';
import { checkRegistry, measureGate } from './joins/measure-gate.ts';
import { learnedRows, partitionRows } from './joins/partition-rows.ts';
import { type Mounted, type Recorded, type Recording, record } from './joins/record.ts';
import { type DecisionTelling, tellDecisions } from './joins/tell-decisions.ts';
import { controlWorkTypes, type WorkTypeControl, workTypesInProcess } from './joins/work-types.ts';
import type { Ledger } from './ledger/open-ledger.ts';
import { unmeasured } from './measure/unmeasured.ts';
import type { Gate } from './options/gate.ts';
import { type GateVoice, gateVoice } from './options/gate-voice.ts';
import { namedPartitions, unobservedMessage } from './options/named-partitions.ts';
import { OptionMissingError } from './options/option-error.ts';
import type { SlackwaterOptions } from './options/options.ts';
import { questionable } from './options/questionable.ts';
import { resolveOptions } from './options/resolve-options.ts';
import type { ResolvedOptions } from './options/resolved.ts';
import { sharedServerMessage } from './options/shared-server.ts';
import { allowListed } from './perform/capturable-headers.ts';
import { replayOf } from './perform/replay-identity.ts';
import type { ReplayApp } from './perform/through-app.ts';

const clock = systemClock;

/** After the first request, ms: by then a partition that is written to was written to. */
const lookAroundAfterMs = 10_000;

/** Published by Node when a server listens. */
const listening = 'tracing:net.server.listen:asyncEnd';

/**
 * Makes a gate: a request handler to be mounted before the routes. While commits are quick, requests pass; while they are
 * slow, each is judged by its work type, and what may wait is answered with *retry later* or deferred.
 *
 * Without options it measures every observed pool, learns which routes commit where, and answers retry later above 250 ms.
 * Throws `option-invalid`, `option-unknown` or `option-missing`.
 */
export function slackwater(options: SlackwaterOptions = {}): Gate {
  const configured = resolveOptions(options);
  checkRegistry(configured);
  // Its elements are replaced when work types are changed while running.
  const workTypes = [...configured.workTypes];
  const resolved = { ...configured, workTypes };
  const voice = gateVoice();
  for (const { code, message } of questionable(resolved)) voice.warn(code, message);
  const measuring = measure(resolved, voice);
  const { table, sharing } = measuring;
  const wake = (partition: string): void => {
    recording?.current?.performer.wake(partition);
    batches.wake();
  };
  const deciding = decide(resolved, measuring, voice, wake);
  const candidates = findCandidates(resolved, measuring, voice, wake);
  const app: Mounted = { at: undefined };
  const control = controlWorkTypes(configured, workTypes, deciding, voice, resolved.engine && openLedger);
  const held = { ...deciding, hold: candidates.hold };
  const recording = resolved.engine && record(resolved, resolved.engine, held, voice, app, control.follow);
  const batches: GateBatches = keepBatches(resolved, held, voice, recording);
  const meter = measureGate(resolved, deciding, voice, resolved.engine, () => recording, batches.list);
  const verifyToken = resolved.auth && tokenVerifier(resolved.auth, clock);
  const decisions = tellDecisions(resolved, voice, verifyToken);
  const judge = answerRequests(resolved, deciding, candidates, voice, recording, decisions, meter);
  const serve = createResources({
    ...resourceParts(resolved, deciding, voice, recording, control),
    verifyToken,
    decisions: decisions.list,
    batches: batches.list,
    metrics: meter,
  });
  const isFirst = firstTimeHere();
  let closing: Promise<void> | undefined;
  let lookingAround: Timer | undefined;

  async function openLedger(): Promise<Ledger> {
    if (recording === undefined) throw new OptionMissingError('engine', 'say where the ledger lives');
    return (await recording.open()).ledger;
  }

  const onListening = (): void => {
    if (app.at === undefined) return;
    setImmediate(() => recording?.starter.startByItself());
    batches.start();
  };
  subscribe(listening, onListening);

  function handle(req: Request, res: ServerResponse, next: NextFunction): void {
    const replay = replayOf(req);
    // Attempts under way end while the gate closes, and need their identity.
    if (replay?.performedFor === app && isFirst(req)) {
      void passReplay(resolved, req, next, replay);
      return;
    }
    // What another gate performs it has judged.
    if (closing !== undefined || replay !== undefined || !isFirst(req)) {
      next();
      return;
    }
    app.at ??= req.app;
    lookingAround ??= clock.after(lookAroundAfterMs, lookAround);
    recording?.starter.startByItself();
    batches.start();
    resources(req, res, () => judge({ req, res, next }));
  }

  function resources(req: Request, res: ServerResponse, next: NextFunction): void {
    const below = pathBelow(req.url, resolved.basePath);
    if (below === undefined) next();
    else void serve(req, res, below);
  }

  function lookAround(): void {
    const partitions = unmeasured(namedPartitions(resolved), table);
    if (partitions.length > 0) voice.warn('partition-unobserved', unobservedMessage(partitions));
    const shared = sharedServerMessage(resolved.engine, commitSources());
    if (shared !== undefined) voice.warn('engine-on-observed-server', shared);
  }

  async function end(): Promise<void> {
    unsubscribe(listening, onListening);
    lookingAround?.cancel();
    deciding.admissions.close();
    control.close();
    candidates.close();
    meter?.close();
    await batches.close();
    // While there is an engine to take its values back from.
    await sharing?.close();
    await recording?.close();
    table.close();
  }

  /** What the application asks of the ledger waits until it is open. */
  async function recorded(): Promise<Recorded> {
    if (recording === undefined) throw new OptionMissingError('engine', 'say where the ledger lives');
    return recording.opened();
  }
  const ledger = async (): Promise<Ledger> => (await recorded()).ledger;
  const own = {
    resources,
    latency: table,
    ledger: ledgerInProcess(ledger),
    audit: auditInProcess(ledger, async () => (await recorded()).audit),
    deferrals: {
      find: async (id: string) => (await ledger()).find(id),
      cancel: async (id: string) => (await recorded()).performer.cancel(id),
      get inFlight() {
        return recording?.current?.performer.inFlight ?? 0;
      },
    },
    workTypes: workTypesInProcess(control),
    batch: batches.make,
    shadow: () => deciding.shadow.report(),
    decisions: decisions.list,
    on: voice.on,
    attach(to: ReplayApp) {
      app.at = to;
    },
    async start() {
      batches.start();
      await recording?.starter.start();
    },
    close() {
      closing ??= end();
      return closing;
    },
    // What Express looks for in an application, so that it says where the gate is mounted.
    handle,
    set() {},
    emit(event: string, parent: ReplayApp) {
      if (event === 'mount') app.at = parent;
    },
  };
  return Object.assign(handle, own);
}

/** Those of them that say the work type of a request. */
const workTypeOptions: ReadonlySet<string> = new Set(['classify', 'routes.workType']);

function unknownMessage(option: string): string {
  return `The option ${option} threw, took longer than 5 s, or named a work type that does not exist: such requests have the default work type. The event trouble has each case.`;
}

/** Requests from outside are let through, or answered. */
function answerRequests(
  options: ResolvedOptions,
  { admissions, learned, shadow }: Deciding,
  candidates: Candidates,
  { warn, trouble }: GateVoice,
  recording: Recording | undefined,
  decisions: Pick<DecisionTelling, 'areHeard' | 'tell' | 'explainsTo'>,
  meter: GateParts['meter'],
): ReturnType<typeof requestJudge> {
  const { application, group, publicUrl, basePath } = options;
  const recorder: Recorder | undefined = recording && {
    home: { application, group, durable: recording.durable },
    ledger: async () => (await recording.open()).ledger,
    completionsOf: recording.completionsOf,
    enqueued: (partition) => recording.current?.performer.enqueued(partition),
    pollAfterMs: (partition) => pollAfterMs(admissions.statesOf(partition)),
  };
  const keptHeaders = new Set(options.captureHeaders);
  const parts: GateParts = {
    options,
    clock,
    factsOf: factFinder({
      options,
      clock,
      findRoute: routeTable(options.routes),
      learned,
      wouldPerform: (rank, partition) => admissions.wouldPerform(rank, partition),
      failed(option, error) {
        trouble(`asking the option ${option}`, error);
        if (workTypeOptions.has(option)) warn('work-type-unknown', unknownMessage(option));
      },
    }),
    admissions,
    candidates,
    recorder,
    shadow,
    learned,
    transactions: () => recording?.current?.transactions,
    decisionsAreHeard: decisions.areHeard,
    tellDecision: decisions.tell,
    explainsTo: decisions.explainsTo,
    meter,
    warn,
    trouble,
  };
  return requestJudge(
    parts,
    (req) => allowListed(req.rawHeaders, keptHeaders),
    (req) => `${publicUrl ?? req.baseUrl}${basePath}`,
  );
}

/** What the gate serves itself. */
function resourceParts(
  options: ResolvedOptions,
  deciding: Deciding,
  { trouble }: GateVoice,
  recording: Recording | undefined,
  workTypes: WorkTypeControl,
): Omit<ResourceParts, 'verifyToken' | 'decisions' | 'batches' | 'metrics'> {
  const { application, group, publicUrl, basePath, requester, ledger } = options;
  const { admissions } = deciding;
  return {
    clock,
    publicUrl,
    basePath,
    home: { application, group },
    records: recording && {
      durable: recording.durable,
      ledger: async () => (await recording.open()).ledger,
      audit: recording.audit,
      cancel: recording.cancel,
      onChange: recording.watch,
    },
    requester,
    ledgerIsPublic: ledger.public,
    pollAfterMs: (partition) => pollAfterMs(admissions.statesOf(partition)),
    partitions: () => partitionRows(deciding),
    learnedRoutes: () => learnedRows(deciding),
    shadow: () => deciding.shadow.report(),
    workTypes,
    health: async () => ({
      status:
        recording === undefined
          ? 'ready'
          : healthOfLedger(recording.current?.ledger, recording.starter.failed),
      details: {
        application,
        performing: recording?.current?.performer.inFlight ?? 0,
        engine: recording?.current?.engine.status?.(),
        index: recording?.current?.audit.status(),
      },
    }),
    tellTrouble: trouble,
  };
}
