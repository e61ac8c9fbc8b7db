import { makeWatchers, type Watchers } from '../answer/watchers.ts';
import { systemClock as clock } from '../clock.ts';
import type { ItemHold } from '../decide/candidates/item-hold.ts';
import { ItemAdmission } from '../decide/item-admission.ts';
import { ItemProbes } from '../decide/item-probes.ts';
import { type Completions, completionsAt } from '../drivers/driver.ts';
import type { GateVoice } from '../options/gate-voice.ts';
import type { ResolvedOptions } from '../options/resolved.ts';
import { createReplay } from '../perform/replay.ts';
import { sharedRooms } from '../perform/shared-rooms.ts';
import type { ReplayApp } from '../perform/through-app.ts';
import { lookAtCompletionTables } from './completion-tables.ts';
import type { Deciding } from './decide.ts';
import type { GroupOperations } from './group-operations.ts';
import { type GroupGround, type OpenGroup, type ResourceGroup, resourceGroup } from './resource-group.ts';

/** The application that deferrals are performed through, once it is known. */
export interface Mounted {
  at: ReplayApp | undefined;
}

/** Where requests are recorded, and performed from: all groups of a gate. */
export interface ResourceGroups {
  /** Where what belongs to no request is kept. */
  readonly home: ResourceGroup;
  /** By name, in the order they were given. */
  readonly byName: ReadonlyMap<string, ResourceGroup>;
  readonly all: readonly ResourceGroup[];
  completionsOf(partition: string): Completions | 'none' | undefined;
  readonly watch: Watchers['watch'];
  /** A deferral of that id may have changed. */
  readonly changed: Watchers['changed'];
  /** The requests that this process performs and that have deferred parts, by the id that the parts have for them. */
  readonly underWay: Set<string>;
  /** A partition may have recovered: all groups try theirs. */
  wake(partition: string): void;
  /** How many deferrals this process performs now. */
  readonly inFlight: number;
  /** Starts all. Rejects where one can't be opened; the others are at work all the same. */
  start(): Promise<void>;
  /** The same, without anybody who waits. */
  startByItself(): void;
  close(): Promise<void>;
}

/**
 * Makes the resource groups of a gate: what can't be performed now is recorded in one of them, and performed when its
 * partition takes it. Undefined where there are none.
 */
export function resourceGroups(
  options: ResolvedOptions,
  deciding: Deciding & { readonly hold?: ItemHold },
  voice: GateVoice,
  app: Mounted,
  onHomeOpen: (home: OpenGroup) => void,
  operations: Pick<GroupOperations, 'of' | 'opened'>,
): ResourceGroups | undefined {
  const watchers = makeWatchers();
  const tables = lookAtCompletionTables(clock);
  let looksAtTables = false;
  const several = options.groups.length > 1;
  const underWay = new Set<string>();

  /** What is measured by `latency.commit` has no driver, and so no completion rows. */
  function completionsOf(partition: string): Completions | 'none' | undefined {
    const isMeasured = deciding.table.read(partition).samples > 0;
    return completionsAt(partition) ?? (isMeasured ? 'none' : undefined);
  }

  const ground: GroupGround = {
    options,
    voice,
    performing: {
      admission: new ItemAdmission(
        deciding.admissions,
        options,
        deciding.hold,
        new ItemProbes(clock, options.latency.probeEveryMs),
      ),
      replay: createReplay({
        app: () => app.at,
        clock,
        performedFor: app,
        onRouteError: (error, id) => voice.trouble(`performing deferral ${id}: its route failed`, error),
      }),
      completionsOf: (partition) => {
        const completions = completionsOf(partition);
        return completions === 'none' ? 'at-least-once' : completions;
      },
      ...(several ? { roomOf: sharedRooms(options.perform) } : {}),
    },
    underWay,
    runsOf: (group) => operations.of(group),
    hasApp: () => app.at !== undefined,
    seenElsewhere: () => home?.current?.transactions,
    changed: watchers.changed,
    onOpen: (_, group) => operations.opened(group),
    onBegun() {
      if (!looksAtTables) tables.begin();
      looksAtTables = true;
    },
  };

  const homeOpened = (open: OpenGroup, group: string): void => {
    onHomeOpen(open);
    operations.opened(group);
  };
  const byName = new Map(
    options.groups.map((policy) => {
      const isHome = policy.name === options.group;
      return [
        policy.name,
        resourceGroup(policy, isHome ? { ...ground, onOpen: homeOpened } : ground),
      ] as const;
    }),
  );
  const all = [...byName.values()];
  const home = byName.get(options.group);
  if (home === undefined) return undefined;
  return {
    home,
    byName,
    all,
    completionsOf,
    watch: watchers.watch,
    changed: watchers.changed,
    underWay,
    wake(partition) {
      for (const { current } of all) current?.performer.wake(partition);
    },
    get inFlight() {
      return all.reduce((sum, { current }) => sum + (current?.performer.inFlight ?? 0), 0);
    },
    async start() {
      const started = await Promise.allSettled(all.map(({ starter }) => starter.start()));
      const failed = started.find((one) => one.status === 'rejected');
      if (failed !== undefined) throw failed.reason;
    },
    startByItself() {
      for (const { starter } of all) starter.startByItself();
    },
    async close() {
      tables.close();
      await Promise.all(all.map((group) => group.close()));
    },
  };
}
