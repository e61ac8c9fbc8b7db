import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { ServerResponse } from 'node:http';
import type { NextFunction, Request } from 'express';
import type { GateParts, Recorder } from './answer/gate-parts.ts';
import { requestJudge } from './answer/handle.ts';
import { inTime } from './answer/in-time.ts';
import { passReplay } from './answer/replays.ts';
import { factFinder } from './answer/request-facts.ts';
import { pathBelow, patternOf } from './answer/request-paths.ts';
import type { Health, ResourceParts } from './answer/resources/contract.ts';
import { createResources } from './answer/resources/create-resources.ts';
import { makeWatchers } from './answer/watchers.ts';
import { tokenVerifier } from './audit/verify-token.ts';
import { systemClock } from './clock.ts';
import { Admissions } from './decide/admissions.ts';
import { LearnedRoutes } from './decide/learned-routes.ts';
import { routeTable } from './decide/route-table.ts';
import { type Completions, commitSources, sourcesOf } from './drivers/driver.ts';
import { keepOpen, type OpenRecords } from './ledger/keep-open.ts';
import { LatencyTable } from './measure/latency-table.ts';
import type { Gate } from './options/gate.ts';
import { gateTelling } from './options/gate-events.ts';
import type { SlackwaterOptions } from './options/options.ts';
import { questionable } from './options/questionable.ts';
import { resolveOptions } from './options/resolve-options.ts';
import type { ResolvedOptions } from './options/resolved.ts';
import { warnOnce } from './options/warn-once.ts';
import type { Admission } from './perform/admission.ts';
import { allowListed } from './perform/capturable-headers.ts';
import { LearnedTransactions } from './perform/learned-transactions.ts';
import { createPerformer, type Performer } from './perform/performer.ts';
import type { PerformerEvent } from './perform/performer-events.ts';
import { createReplay } from './perform/replay.ts';
import { replayOf } from './perform/replay-identity.ts';
import { startOnce } from './perform/start-once.ts';
import type { ReplayApp } from './perform/through-app.ts';

const clock = systemClock;

/** How long a pending deferral should be left alone before it is asked for again, ms. */
const pollAfterMs = { clear: 500, over: 2_000 } as const;

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
  const resolved = resolveOptions(options);
  const telling = gateTelling();
  const table = new LatencyTable({
    clock,
    ...resolved.latency,
    onStatisticFailed: (error) => trouble('taking the statistic of a window', error),
  });
  table.subscribe();
  const ranks = resolved.workTypes.map(({ name, priority, exempt, thresholdMs }) => {
    return { name, priority, exempt, thresholdMs };
  });
  const admissions = new Admissions({
    clock,
    ranks,
    measured: table,
    sourcesOf,
    ...resolved.latency,
    retryAfterCapMs: resolved.retryAfterCapMs,
    random: Math.random,
    onChange: (change) => telling.tell('state', change),
    onOpening: (partition) => performer?.wake(partition),
    onProbeFailed: (partition, error) => trouble(`probing ${partition}`, error),
  });
  table.onFinished((commit) => admissions.count(commit));
  const learned = new LearnedRoutes(resolved.maxLearnedRoutes);
  const warn = warnOnce((warning) => telling.tell('warning', warning));
  const watchers = makeWatchers();
  const kept = resolved.engine && keepOpen(resolved.engine, clock, ledgerSetup(), prepare);
  let app: ReplayApp | undefined;
  let performer: Performer | undefined;
  let transactions: LearnedTransactions | undefined;
  const starter = startOnce(clock, begin, (error) => trouble('opening the ledger', error));
  let closing: Promise<void> | undefined;

  function trouble(doing: string, error: unknown): void {
    telling.tell('trouble', { doing, error });
  }

  function ledgerSetup(): Parameters<typeof keepOpen>[2] {
    const { application, group, ledger } = resolved;
    const { keepOutcomeMs, maxQueued, engineTimeoutMs, origin } = ledger;
    return {
      application,
      group,
      keepOutcomeMs,
      maxQueued,
      engineTimeoutMs,
      ...(origin === undefined ? {} : { origin }),
      onStop: (error) => trouble('keeping the ledger: it is stopped', error),
      onRecoveryFailed: (error) => trouble('comparing states and queue with the ledger', error),
    };
  }

  /** What performs is made as soon as there is a queue; it begins once it is told to. */
  function prepare({ engine, ledger }: OpenRecords): void {
    const learning = new LearnedTransactions(engine.store);
    transactions = learning;
    performer = createPerformer({
      queue: engine.queue,
      ledger,
      admission: admissionOfItems(resolved, admissions),
      replay: createReplay({
        app: () => app,
        clock,
        onRouteError: (error, id) => trouble(`performing deferral ${id}: its route failed`, error),
      }),
      completionsOf: (partition) => {
        const completions = completionsOf(partition);
        return completions === 'none' ? 'at-least-once' : completions;
      },
      clock,
      options: resolved.perform,
      knownTransactions: ({ method, route }) => learning.known(method, route),
      learnTransactions: ({ method, route }, count) => learning.learn(method, route, count),
      repeatable: ({ workType }) => resolved.workTypes.some((one) => one.name === workType && one.repeatable),
      on: onPerformed,
    });
  }

  function onPerformed(event: PerformerEvent): void {
    telling.tell('deferral', event);
    if (event.type === 'trouble') trouble(event.doing, event.error);
    watchers.changed(event.id ?? '');
  }

  /** `none`: something commits there that keeps no completion rows. Undefined: nobody is known to. */
  function completionsOf(partition: string): Completions | 'none' | undefined {
    const sources = sourcesOf(partition);
    const found = sources.find(({ completions }) => completions !== undefined)?.completions;
    if (found !== undefined) return found;
    return sources.length > 0 || table.read(partition).samples > 0 ? 'none' : undefined;
  }

  async function openLedger(): Promise<OpenRecords> {
    if (kept === undefined) throw new Error('There is no engine.');
    return inTime(clock, resolved.ledger.engineTimeoutMs, 'Opening the ledger', kept.open());
  }

  async function begin(): Promise<void> {
    if (kept === undefined) return;
    const { ledger } = await kept.open();
    await ledger.recover();
    // Creates the tables that may be created while nobody waits for it.
    for (const { completions } of commitSources()) completions?.ready().catch(() => {});
    if (closing === undefined) performer?.start();
  }

  const onListening = (): void => {
    if (app !== undefined) setImmediate(starter.startByItself);
  };
  subscribe(listening, onListening);

  const recorder: Recorder | undefined = resolved.engine && {
    home: { application: resolved.application, group: resolved.group, durable: resolved.engine.durable },
    ledger: async () => (await openLedger()).ledger,
    completionsOf,
    enqueued: (partition) => performer?.enqueued(partition),
    pollAfterMs: pollAfter,
  };

  function pollAfter(partition: string): number {
    const isOver = ranks.some((_, rank) => admissions.modeOf(rank, partition) === 'over');
    return isOver ? pollAfterMs.over : pollAfterMs.clear;
  }

  const keptHeaders = new Set(resolved.captureHeaders);
  const parts: GateParts = {
    options: resolved,
    clock,
    factsOf: factFinder({
      options: resolved,
      findRoute: routeTable(resolved.routes),
      learned,
      failed: (option, error) => trouble(`asking the option ${option}`, error),
    }),
    admissions,
    recorder,
    learnPartition: (req, { method, path }, partition) => {
      learned.learn(method, patternOf(req), path, partition);
    },
    learnTransactions: ({ method, route, path }, count) => {
      transactions
        ?.learn(method, route ?? path, count)
        .catch((error: unknown) => trouble('keeping what was learned of a route', error));
    },
    tellDecision: (event) => telling.tell('decision', event),
    warn,
    trouble,
  };
  const judge = requestJudge(
    parts,
    (req) => allowListed(req.rawHeaders, keptHeaders),
    (req) => `${resolved.publicUrl ?? req.baseUrl}${resolved.basePath}`,
  );
  const serve = createResources(resourceParts());

  function resourceParts(): ResourceParts {
    const { application, group, publicUrl, basePath, requester, auth, ledger, engine } = resolved;
    return {
      clock,
      publicUrl,
      basePath,
      home: { application, group },
      records: engine && {
        durable: engine.durable,
        ledger: async () => (await openLedger()).ledger,
        cancel: async (id) => cancel(id),
        onChange: watchers.watch,
      },
      requester,
      verifyToken: auth && tokenVerifier(auth, clock),
      ledgerIsPublic: ledger.public,
      pollAfterMs: pollAfter,
      partitions: () => [...table.partitions()].map((row) => ({ ...row, states: statesOf(row.partition) })),
      workTypes: {
        find: (name) => ranks.find((rank) => rank.name === name),
        setThreshold(name, thresholdMs) {
          const rank = ranks.find((one) => one.name === name);
          if (rank === undefined || rank.exempt) return `${name} has no threshold.`;
          rank.thresholdMs = thresholdMs;
          admissions.thresholdsChanged();
          return undefined;
        },
      },
      health: async () => health(),
      tellTrouble: trouble,
    };
  }

  function statesOf(partition: string): Readonly<Record<string, string>> {
    return Object.fromEntries(ranks.map(({ name }, rank) => [name, admissions.modeOf(rank, partition)]));
  }

  function health(): Health {
    const details = { application: resolved.application, performing: performer?.inFlight ?? 0 };
    if (kept === undefined) return { status: 'ready', details };
    const stopped = kept.current?.ledger.stopped;
    if (stopped !== undefined || starter.failed) return { status: 'degraded', details };
    return { status: kept.current === undefined ? 'starting' : 'ready', details };
  }

  async function cancel(id: string): Promise<'canceled' | 'not-cancelable'> {
    await openLedger();
    return performer === undefined ? 'not-cancelable' : performer.cancel(id);
  }

  async function end(): Promise<void> {
    unsubscribe(listening, onListening);
    starter.stop();
    admissions.close();
    await performer?.close();
    await kept?.close();
    table.close();
  }

  function handle(req: Request, res: ServerResponse, next: NextFunction): void {
    if (closing !== undefined) {
      next();
      return;
    }
    const replay = replayOf(req);
    if (replay !== undefined) {
      void passReplay(resolved, req, next, replay);
      return;
    }
    if (app === undefined) app = req.app;
    starter.startByItself();
    const below = pathBelow(req.url, resolved.basePath);
    if (below !== undefined) void serve(req, res, below);
    else judge({ req, res, next });
  }

  for (const { code, message } of questionable(resolved)) warn(code, message);

  // Not assigned: that would read `ledger`, and so open it.
  const own = {
    latency: table,
    get ledger() {
      return kept?.open().then(({ ledger }) => ledger);
    },
    deferrals: {
      cancel,
      get inFlight() {
        return performer?.inFlight ?? 0;
      },
    },
    on: telling.on,
    attach(to: ReplayApp) {
      app = to;
    },
    start: starter.start,
    close() {
      closing ??= end();
      return closing;
    },
    // What Express looks for in an application, so that it says where the gate is mounted.
    handle,
    set() {},
    emit(event: string, parent: ReplayApp) {
      if (event === 'mount') app = parent;
    },
  };
  return Object.defineProperties(handle, Object.getOwnPropertyDescriptors(own)) as typeof handle & typeof own;
}

/** Queued items stand in line with the requests that arrive, by the work type that they have now. */
function admissionOfItems(options: ResolvedOptions, admissions: Admissions): Admission {
  const names = options.workTypes.map(({ name }) => name);
  const fallback = names.indexOf(options.defaultWorkType);
  return {
    admit({ partition, workType }) {
      const rank = names.includes(workType) ? names.indexOf(workType) : fallback;
      const asked = admissions.ask(rank, [partition]);
      const reasons = [asked.reason];
      if (!asked.perform) {
        return { admitted: false, reasons, askAgainInMs: admissions.askAgainInMs(rank, partition) };
      }
      const { entry } = asked;
      return { admitted: true, reasons, wrote: (to) => entry.wrote(to), finished: () => entry.finished() };
    },
  };
}
