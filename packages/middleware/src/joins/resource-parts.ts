import { pollAfterMs } from '../answer/poll-after.ts';
import type { Health, Records, ResourceParts } from '../answer/resources/contract.ts';
import { healthOfGroups, healthOfLedger } from '../answer/resources/health.ts';
import { systemClock as clock } from '../clock.ts';
import type { GateVoice } from '../options/gate-voice.ts';
import type { ResolvedOptions } from '../options/resolved.ts';
import type { Deciding } from './decide.ts';
import type { GroupOperations } from './group-operations.ts';
import type { KeptOperations } from './operations.ts';
import { learnedRows, partitionRows } from './partition-rows.ts';
import type { ResourceGroup } from './resource-group.ts';
import type { ResourceGroups } from './resource-groups.ts';
import type { WorkTypeControl } from './work-types.ts';

/** What the gate serves itself. */
export function resourceParts(
  options: ResolvedOptions,
  deciding: Deciding,
  { trouble }: GateVoice,
  groups: ResourceGroups | undefined,
  workTypes: WorkTypeControl,
  operations: Pick<KeptOperations, 'of' | 'desk'>,
): Omit<ResourceParts, 'verifyToken' | 'decisions' | 'batches' | 'metrics'> {
  const { publicUrl, basePath, requester } = options;
  const { admissions } = deciding;
  return {
    clock,
    publicUrl,
    basePath,
    records: groups && homeFirst(groups).map((group) => recordsOf(options, groups, group, operations)),
    requester,
    pollAfterMs: (partition) => pollAfterMs(admissions.statesOf(partition)),
    partitions: () => partitionRows(deciding),
    learnedRoutes: () => learnedRows(deciding),
    shadow: () => deciding.shadow.report(),
    workTypes,
    definitions: operations.desk,
    health: async () => healthOf(options, groups),
    tellTrouble: trouble,
  };
}

function homeFirst({ home, all }: ResourceGroups): readonly ResourceGroup[] {
  return [home, ...all.filter((group) => group !== home)];
}

function recordsOf(
  { application }: ResolvedOptions,
  { watch }: ResourceGroups,
  group: ResourceGroup,
  operations: Pick<GroupOperations, 'of'>,
): Records {
  return {
    home: { application, group: group.name, durable: group.engine.durable },
    mark: group.mark,
    isPublic: group.isPublic,
    ledger: async () => (await group.open()).ledger,
    audit: group.audit,
    queue: {
      view: async () => (await group.open()).desk.view(),
      setPaused: async (partition, paused, by) => (await group.open()).desk.setPaused(partition, paused, by),
      drain: async (partition) => (await group.open()).desk.drain(partition),
    },
    runs: {
      report: (id, reveal) => operations.of(group.name).report(id, reveal),
      progress: (deferral) => operations.of(group.name).progress(deferral),
      provide: (deferral, values) => operations.of(group.name).provide(deferral, values),
    },
    status: () => statusOf(group),
    cancel: group.cancel,
    redrive: group.redrive,
    erase: group.erase,
    onChange: watch,
  };
}

function statusOf({ current, starter }: ResourceGroup): Health['status'] {
  return healthOfLedger(current?.ledger, starter.failed);
}

function healthOf({ application }: ResolvedOptions, groups: ResourceGroups | undefined): Health {
  if (groups === undefined) return { status: 'ready', details: { application, performing: 0 } };
  const { home, all, inFlight } = groups;
  const engine = home.current?.engine.status?.();
  const several = all.map(
    (group) =>
      [
        group.name,
        {
          status: statusOf(group),
          performing: group.current?.performer.inFlight ?? 0,
          engine: group.current?.engine.status?.(),
          index: group.current?.audit.status(),
        },
      ] as const,
  );
  return {
    status: healthOfGroups(all.map(statusOf)),
    details: {
      application,
      performing: inFlight,
      engine,
      index: home.current?.audit.status(),
      groups: Object.fromEntries(several),
    },
  };
}
