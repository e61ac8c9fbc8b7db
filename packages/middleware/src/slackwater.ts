import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { ServerResponse } from 'node:http';
import type { NextFunction, Request } from 'express';
import { firstTimeHere } from './answer/first-time-here.ts';
import { passReplay } from './answer/replays.ts';
import { pathBelow } from './answer/request-paths.ts';
import { createResources } from './answer/resources/create-resources.ts';
import { tokenVerifier } from './audit/verify-token.ts';
import { systemClock, type Timer } from './clock.ts';
import { commitSources } from './drivers/driver.ts';
import { answerRequests } from './joins/answer-requests.ts';
import { type GateBatches, keepBatches } from './joins/batches.ts';
import { findCandidates } from './joins/candidates.ts';
import { decide, measure } from './joins/decide.ts';
import { groupsInProcess } from './joins/groups-in-process.ts';
import { checkRegistry, measureGate } from './joins/measure-gate.ts';
import { keepOperations } from './joins/operations.ts';
import { type Mounted, resourceGroups } from './joins/resource-groups.ts';
import { resourceParts } from './joins/resource-parts.ts';
import { tellDecisions } from './joins/tell-decisions.ts';
import { checkWebhookUrls } from './joins/webhooks.ts';
import { controlWorkTypes, workTypesInProcess } from './joins/work-types.ts';
import type { Ledger } from './ledger/open-ledger.ts';
import { unmeasured } from './measure/unmeasured.ts';
import type { Gate } from './options/gate.ts';
import { gateVoice } from './options/gate-voice.ts';
import { namedPartitions, unobservedMessage } from './options/named-partitions.ts';
import { OptionMissingError } from './options/option-error.ts';
import type { SlackwaterOptions } from './options/options.ts';
import { questionable } from './options/questionable.ts';
import { resolveOptions } from './options/resolve-options.ts';
import { sharedServerMessage } from './options/shared-server.ts';
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
  checkWebhookUrls(configured);
  // Its elements are replaced when work types are changed while running.
  const workTypes = [...configured.workTypes];
  const resolved = { ...configured, workTypes };
  const voice = gateVoice();
  for (const { code, message } of questionable(resolved)) voice.warn(code, message);
  const measuring = measure(resolved, voice);
  const { table, sharing } = measuring;
  const wake = (partition: string): void => {
    groups?.wake(partition);
    batches.wake();
    operations.wake();
  };
  const deciding = decide(resolved, measuring, voice, wake);
  const candidates = findCandidates(resolved, measuring, voice, wake);
  const app: Mounted = { at: undefined };
  const hasLedger = resolved.groups.length > 0;
  const control = controlWorkTypes(
    configured,
    workTypes,
    deciding,
    voice,
    hasLedger ? openLedger : undefined,
  );
  const held = { ...deciding, hold: candidates.hold };
  const operations = keepOperations(resolved, held, voice, () => groups);
  const groups = resourceGroups(
    resolved,
    held,
    voice,
    app,
    (home) => {
      sharing?.begin(home.engine.store);
      control.follow(home.ledger);
    },
    operations,
  );
  const batches: GateBatches = keepBatches(resolved, held, voice, groups?.home);
  const meter = measureGate(resolved, deciding, voice, groups, batches.list);
  const verifyToken = resolved.auth && tokenVerifier(resolved.auth, clock);
  const decisions = tellDecisions(resolved, voice, verifyToken);
  const {
    judge,
    tellHandler,
    close: closeAnswers,
  } = answerRequests(resolved, deciding, candidates, voice, groups, decisions, meter);
  const serve = createResources({
    ...resourceParts(resolved, deciding, voice, groups, control, operations),
    verifyToken,
    decisions: decisions.list,
    batches: batches.list,
    metrics: meter,
  });
  const isFirst = firstTimeHere();
  let closing: Promise<void> | undefined;
  let lookingAround: Timer | undefined;

  async function openLedger(): Promise<Ledger> {
    if (groups === undefined) throw new OptionMissingError('engine', 'say where the ledger lives');
    return (await groups.home.open()).ledger;
  }

  const onListening = (): void => {
    if (app.at === undefined) return;
    setImmediate(() => groups?.startByItself());
    batches.start();
  };
  subscribe(listening, onListening);

  function handle(req: Request, res: ServerResponse, next: NextFunction): void {
    const replay = replayOf(req);
    // Attempts under way end while the gate closes, and need their identity.
    if (replay?.performedFor === app && isFirst(req)) {
      tellHandler(req, res, replay);
      void passReplay(resolved, req, next, replay);
      return;
    }
    // What another gate performs it has judged.
    if (closing !== undefined || replay !== undefined || !isFirst(req)) {
      // A handler that would defer a part hears that the gate is closed.
      if (closing !== undefined && replay === undefined) tellHandler(req, res);
      next();
      return;
    }
    app.at ??= req.app;
    lookingAround ??= clock.after(lookAroundAfterMs, lookAround);
    groups?.startByItself();
    batches.start();
    const below = pathBelow(req.url, resolved.basePath);
    if (below === undefined) judge(req, res, next);
    else void serve(req, res, below);
  }

  function resources(req: Request, res: ServerResponse, next: NextFunction): void {
    const below = pathBelow(req.url, resolved.basePath);
    if (below === undefined) next();
    else void serve(req, res, below);
  }

  function lookAround(): void {
    const partitions = unmeasured(namedPartitions(resolved), table);
    if (partitions.length > 0) voice.warn('partition-unobserved', unobservedMessage(partitions));
    for (const { engine } of resolved.groups) {
      const shared = sharedServerMessage(engine, commitSources());
      if (shared !== undefined) voice.warn('engine-on-observed-server', shared);
    }
  }

  async function end(): Promise<void> {
    unsubscribe(listening, onListening);
    lookingAround?.cancel();
    deciding.admissions.close();
    control.close();
    candidates.close();
    meter?.close();
    await batches.close();
    await operations.close();
    // While there is an engine to take its values back from.
    await sharing?.close();
    await closeAnswers();
    await groups?.close();
    table.close();
  }

  const own = {
    resources,
    latency: table,
    ...groupsInProcess(groups, operations),
    workTypes: workTypesInProcess(control),
    batch: batches.make,
    operations,
    shadow: () => deciding.shadow.report(),
    decisions: decisions.list,
    on: voice.on,
    attach(to: ReplayApp) {
      app.at = to;
    },
    async start() {
      batches.start();
      await groups?.start();
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
