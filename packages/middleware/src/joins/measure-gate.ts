import type { ErrorCode } from '@slackwater/shared';
import { isSlackwaterError } from '@slackwater/shared';
import type { Meter } from '../answer/gate-parts.ts';
import type { Metrics } from '../answer/resources/contract.ts';
import { systemClock as clock } from '../clock.ts';
import { within } from '../ledger/deadline.ts';
import { timeOfUlid } from '../ledger/ulid.ts';
import { DecisionTally } from '../metrics/decision-tally.ts';
import { gateMetrics, takenIn } from '../metrics/gate-metrics.ts';
import type { LedgerReading, QueuedReading } from '../metrics/readings.ts';
import type { GateVoice } from '../options/gate-voice.ts';
import { OptionContradictionError } from '../options/option-error.ts';
import type { GroupPolicy, ResolvedOptions } from '../options/resolved.ts';
import type { GateBatches } from './batches.ts';
import type { Deciding } from './decide.ts';
import type { ResourceGroup } from './resource-group.ts';
import type { ResourceGroups } from './resource-groups.ts';

/** The queue is asked at most so often, ms, however many read the metrics. */
const queuedEveryMs = 1_000;

/** A meter whose metrics can be read. */
export interface ReadableMeter extends Meter, Metrics {
  close(): void;
}

/** Refuses a registry that has the metrics of another gate. Throws `option-invalid`. */
export function checkRegistry({ prometheus }: Pick<ResolvedOptions, 'prometheus'>): void {
  const taken = prometheus?.registry && takenIn(prometheus.registry);
  if (taken === undefined) return;
  throw new OptionContradictionError(
    'prometheus.registry',
    `it has ${taken} already, of another gate; give each gate a registry of its own, or close that gate first`,
  );
}

/** Measures a gate; undefined where nobody could read it. */
export function measureGate(
  { prometheus, workTypes, groups: policies }: ResolvedOptions,
  { table, admissions, shadow }: Deciding,
  { on, trouble }: Pick<GateVoice, 'on' | 'trouble'>,
  groups: ResourceGroups | undefined,
  batches: GateBatches['list'],
): ReadableMeter | undefined {
  if (prometheus === undefined) return undefined;
  const tally = new DecisionTally();
  const retrips = new Map<string, number>();
  const stateChanges = new Map<string, Map<string, number>>();
  const deferrals = new Map<string, Map<string, number>>();
  const troubles = new Map<ErrorCode | 'other', number>();
  const webhooks = new Map<string, Map<string, number>>();
  const batchRuns = new Map<string, Map<string, number>>();
  const batchItems = new Map<string, Map<string, number>>();
  on('state', ({ workType, from, to }) => {
    addTo(stateChanges, workType, to, 1);
    if (from === 'recovering' && to === 'over') addOne(retrips, workType);
  });
  on('batch', (event) => {
    if (event.type !== 'ended') return;
    const { batch, outcome, performed, performedEarly, failed, left } = event.run;
    addTo(batchRuns, batch, outcome, 1);
    const items = { performed: performed - performedEarly, early: performedEarly, failed, left };
    for (const [what, count] of Object.entries(items)) addTo(batchItems, batch, what, count);
  });
  on('webhook', ({ group, type }) => addTo(webhooks, group, type, 1));
  on('deferral', ({ group, type }) => addTo(deferrals, group, type, 1));
  on('trouble', ({ error }) => addOne(troubles, isSlackwaterError(error) ? error.code : 'other'));
  let failing = false;

  const queuedIn = ({ name, ledger }: GroupPolicy): Promise<QueuedReading> =>
    within(clock, ledger.engineTimeoutMs, async () => {
      const current = groups?.byName.get(name)?.current;
      const queue = current?.engine.queue;
      const [backlog = [], heads = []] = await Promise.all([queue?.backlog(), queue?.oldest()]);
      const oldest = new Map(heads.map(({ partition, id }) => [partition, timeOfUlid(id)]));
      const now = clock.wallNow();
      const partitions = backlog.map(({ partition, items }) => {
        const acceptedAt = oldest.get(partition);
        return {
          partition,
          items,
          paused: current?.pauses.isPaused(partition) === true,
          oldestMs: acceptedAt === undefined ? undefined : Math.max(0, now - acceptedAt),
        };
      });
      return { group: name, items: partitions.reduce((sum, { items }) => sum + items, 0), partitions };
    });

  const registered = gateMetrics({
    registry: prometheus.registry,
    maxPartitions: prometheus.maxPartitions,
    sources: {
      workTypes,
      decisions: tally,
      shadow: () => shadow.report(),
      partitions: () => table.partitions(),
      stateOf: (rank, partition) => admissions.modeOf(rank, partition),
      thresholdOf: (rank, partition) => admissions.thresholdOf(rank, partition),
      returnShareOf(partition) {
        const figures = admissions.returnsOf(partition);
        return figures === undefined || figures.told === 0 ? undefined : figures.share;
      },
      ledgers: groups && (() => groups.all.map(ledgerReading)),
      batches,
      queued: atMostEvery(queuedEveryMs, () => Promise.allSettled(policies.map(queuedIn))),
    },
    counts: { stateChanges, retrips, deferrals, webhooks, batchRuns, batchItems, troubles },
    onTrouble(error) {
      // Asked again every few seconds, and as often in trouble: once for each spell of it would be enough.
      if (!failing) trouble('reading metrics', error);
      failing = true;
    },
  });
  return {
    ...registered,
    public: prometheus.public,
    decided: (rank, decision, reason, returned) => tally.count(rank, decision, reason, returned),
    async text() {
      failing = false;
      return registered.text();
    },
  };
}

function addTo(counts: Map<string, Map<string, number>>, first: string, second: string, more: number): void {
  const bySecond = counts.get(first) ?? new Map<string, number>();
  counts.set(first, bySecond);
  bySecond.set(second, (bySecond.get(second) ?? 0) + more);
}

function addOne<Key>(counts: Map<Key, number>, key: Key): void {
  counts.set(key, (counts.get(key) ?? 0) + 1);
}

function ledgerReading({ name, current }: ResourceGroup): LedgerReading {
  return {
    group: name,
    ready: current !== undefined && current.ledger.stopped === undefined,
    performing: current?.performer.inFlight ?? 0,
    engine: current?.engine.status?.(),
    index: current?.audit.status(),
  };
}

/** The same answer for all who ask within `everyMs` of the first; a failure is as good an answer. */
function atMostEvery<Value>(everyMs: number, ask: () => Promise<Value>): () => Promise<Value> {
  let askedAt = Number.NEGATIVE_INFINITY;
  let answer: Promise<Value> | undefined;
  return () => {
    const now = clock.now();
    if (answer === undefined || now - askedAt >= everyMs) {
      askedAt = now;
      answer = ask();
    }
    return answer;
  };
}
