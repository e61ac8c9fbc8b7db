import { checkAuth } from './check-auth.ts';
import { autoThresholdReaders, checkAutoThreshold } from './check-auto-threshold.ts';
import { readCaptureHeaders } from './check-capture-headers.ts';
import { readEngine } from './check-engine.ts';
import { defaultFailureRules, readFailureAlerts, readMonitors } from './check-failure-alerts.ts';
import { checkGroups, readGroupFor } from './check-groups.ts';
import { checkLatency, latencyReaders } from './check-latency.ts';
import { checkLedger, ledgerReaders } from './check-ledger.ts';
import { checkParts } from './check-parts.ts';
import { checkPerform, performReaders } from './check-perform.ts';
import { checkPrometheus, prometheusReaders } from './check-prometheus.ts';
import { checkRoutes, readPartition, workTypeName } from './check-routes.ts';
import { checkForecast, checkNamed, readMetrics, readScorers } from './check-sources.ts';
import { checkTogether } from './check-together.ts';
import { readBasePath, readPublicUrl } from './check-urls.ts';
import { checkWebhooks, webhookDeliveryReaders } from './check-webhooks.ts';
import { checkWorkTypes } from './check-work-types.ts';
import { gateDefaults, type SlackwaterOptions } from './options.ts';
import { type Read, type Readers, readGroup } from './read-group.ts';
import { readThreshold } from './read-threshold.ts';
import { flag, functionOf, milliseconds, number, oneOf, plainName } from './read-values.ts';
import type { ResolvedOptions } from './resolved.ts';

/** Looked at once here, and read when everything that it refers to is known. */
type Later =
  | 'workTypes'
  | 'parts'
  | 'defaultWorkType'
  | 'routes'
  | 'forecast'
  | 'groups'
  | 'latency'
  | 'autoThreshold'
  | 'ledger'
  | 'perform'
  | 'prometheus'
  | 'webhooks'
  | 'auth';
type ByName = 'metrics' | 'scorers' | 'failureAlerts' | 'monitors';
type Own = Omit<SlackwaterOptions, Later | ByName> & { readonly [Name in Later]?: unknown } & {
  readonly [Name in ByName]?: ResolvedOptions[Name];
};

const later: Read<unknown> = (value) => value;

const readers: Readers<Own> = {
  application: plainName,
  group: plainName,
  groups: later,
  groupFor: readGroupFor,
  workTypes: later,
  defaultWorkType: later,
  thresholdMs: readThreshold,
  shadow: flag,
  routes: later,
  classify: functionOf("(req) => 'report'"),
  partition: readPartition,
  requester: functionOf('(req) => req.auth?.sub'),
  requesterClass: functionOf('(req) => req.auth?.plan'),
  metrics: readMetrics,
  metricEveryMs: milliseconds(10, 3_600_000),
  forecast: later,
  scorers: readScorers,
  scorerTimeoutMs: milliseconds(1, 5_000),
  scorerFacts: functionOf('(req) => ({ amount: Number(req.query.amount) })'),
  capture: functionOf('(req) => ({ sub: req.auth.sub })'),
  restore: functionOf('(req, captured) => { req.auth = captured; }'),
  captureHeaders: readCaptureHeaders,
  parts: later,
  engine: readEngine,
  shareLatency: flag,
  latency: later,
  autoThreshold: later,
  ledger: later,
  perform: later,
  prometheus: later,
  webhooks: later,
  failureAlerts: readFailureAlerts,
  monitors: readMonitors,
  auth: later,
  explain: oneOf(['off', 'on', 'scope']),
  keepDecisions: number({ from: 0, to: 100_000, of: 'decisions' }),
  basePath: readBasePath,
  publicUrl: readPublicUrl,
  // The payload record, headers and identity included, has to fit into the 4 MiB that engines take as one value.
  maxBodyBytes: number({ from: 0, to: 3 * 1024 * 1024, of: 'bytes' }),
  retryAfterCapMs: milliseconds(1_000, 86_400_000),
  maxLearnedRoutes: number({ from: 1, to: 100_000, of: 'routes' }),
  maxLearnedRouteAgeMs: milliseconds(1_000, 7 * 86_400_000),
};

const elsewhere = Object.entries({
  latency: latencyReaders,
  autoThreshold: autoThresholdReaders,
  ledger: ledgerReaders,
  perform: performReaders,
  prometheus: prometheusReaders,
  webhooks: webhookDeliveryReaders,
}).flatMap(([group, members]) => Object.keys(members).map((name) => `${group}.${name}`));

/**
 * Checks what `slackwater` was given and fills in the defaults. Nothing is repaired: what can't be meant is refused.
 *
 * @throws OptionInvalidError `option-invalid`, OptionUnknownError `option-unknown`, OptionMissingError
 * `option-missing`; each with the option's full name, the value, and what was likely meant.
 */
export function resolveOptions(options: unknown): ResolvedOptions {
  const given = readGroup<Own>(options === undefined ? {} : options, '', readers, {
    advice: 'give an object, { workTypes: { settle: { priority: 1, thresholdMs: 200 } } }',
    elsewhere,
  });
  const { thresholdMs, shadow, ...own } = { ...gateDefaults, ...given };
  const workTypes = checkWorkTypes(given.workTypes, { thresholdMs, shadow });
  const leastImportant = workTypes.at(-1)?.name ?? '';
  const defaultWorkType =
    given.defaultWorkType === undefined
      ? leastImportant
      : workTypeName(workTypes)(given.defaultWorkType, 'defaultWorkType');
  const unclassified = given.classify === undefined ? defaultWorkType : undefined;
  const ledger = checkLedger(given.ledger);
  const { groups, group, engine, groupFor } = given;
  const resolved: ResolvedOptions = {
    ...nothing,
    ...own,
    ...checkGroups({ groups, group, engine, ledger, groupFor }, gateDefaults.group),
    workTypes,
    parts: checkParts(given.parts, workTypes),
    defaultWorkType,
    routes: checkRoutes(given.routes, workTypes, unclassified),
    forecast: checkForecast(given.forecast),
    latency: checkLatency(given.latency),
    autoThreshold: checkAutoThreshold(given.autoThreshold),
    ledger,
    perform: checkPerform(given.perform),
    webhooks: checkWebhooks(given.webhooks),
    auth: checkAuth(given.auth),
    prometheus: checkPrometheus(given.prometheus, given.auth !== undefined),
    keepDecisions: given.keepDecisions ?? (given.auth === undefined ? 0 : keptWhereReadable),
  };
  checkTogether(resolved);
  checkNamed(resolved);
  return resolved;
}

/** How many decisions are kept where somebody may read them and nothing is said. */
const keptWhereReadable = 1_000;

/** Options that are no more than absent when they are left out. */
const nothing = {
  groupFor: undefined,
  classify: undefined,
  partition: undefined,
  requester: undefined,
  requesterClass: undefined,
  metrics: new Map(),
  failureAlerts: defaultFailureRules,
  monitors: new Map(),
  scorers: new Map(),
  scorerFacts: undefined,
  capture: undefined,
  restore: undefined,
  engine: undefined,
  publicUrl: undefined,
} as const;
