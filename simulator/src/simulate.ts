import { type Caller, callers, networkMs, patienceMs } from './callers.ts';
import { type DrainRow, Drains } from './drains.ts';
import { Host } from './host.ts';
import { Partition } from './partition.ts';
import { type Random, randomOf, untilNextMs } from './random.ts';
import type { ReadScenario } from './read-scenario.ts';
import { Recoveries } from './recovery.ts';
import { type Load, scenarioDefaults } from './scenario.ts';
import { type Series, Tally, type WindowRow } from './tally.ts';
import { VirtualClock } from './virtual-clock.ts';

/** What a simulation shows. */
export interface Report {
  readonly windows: readonly WindowRow[];
  /** How often a request was refused for latency at an instant at which a less important one was, or would have been, admitted. */
  readonly inversions: number;
  /** How often a work type on a host was over again after a fault had ended and it had left over. */
  readonly retrips: number;
  /** Of the slowest recovery: from a fault's end to the first request, other than probes, that was let through. */
  readonly timeToFirstAdmissionAfterFaultMs: number | null;
  /** For each fault that left a backlog: how long it took to drain, and how long the partition needed. */
  readonly drains: readonly DrainRow[];
}

/** How a simulation tells that it goes on. */
export interface Watch {
  /** Called every few thousand events with the virtual time, ms. */
  readonly passed: (atMs: number) => void;
}

/** So many events between two calls of `passed`. */
const eventsBetween = 20_000;

/** One load, with what of it is looked up once. */
interface Stream {
  readonly load: Load;
  readonly series: Series;
  readonly rank: number;
  readonly isExempt: boolean;
  readonly mayDefer: boolean;
  readonly fails: boolean;
  readonly caller: Caller;
  readonly random: Random;
}

/** One request, however often it is sent. */
interface Request {
  readonly stream: Stream;
  readonly partition: string;
  /** When it was sent first, ms. */
  readonly firstAt: number;
  /** Its Idempotency-Key. */
  readonly name: string | undefined;
}

/** Runs a scenario to its end, on a clock of its own. The same scenario gives the same report. */
export async function simulate(read: ReadScenario, watch?: Watch): Promise<Report> {
  const { scenario, options } = read;
  const { seed, durationMs } = scenario;
  const clock = new VirtualClock();
  const tally = new Tally(scenario);
  const recoveries = new Recoveries(scenario);
  const drains = new Drains(scenario);
  const partitions = new Map<string, Partition>();
  const names = options.workTypes.map(({ name }) => name);
  let streams = 0;
  let requests = 0;
  let inversions = 0;
  let mustSettle = false;

  function partitionOf(name: string): Partition {
    let partition = partitions.get(name);
    if (partition === undefined) {
      const model = scenario.partitions[entryOf(name)];
      if (model === undefined) throw new RangeError(`${name} is no partition of the scenario.`);
      partition = new Partition(clock, model, randomOf(seed, hashOf(name)));
      partitions.set(name, partition);
    }
    return partition;
  }

  const hosts = Array.from({ length: scenario.hosts }, (_, index) => {
    return new Host({
      index,
      clock,
      options,
      random: randomOf(seed, streams++),
      partitionOf,
      connectionsOf: (name) =>
        scenario.partitions[entryOf(name)]?.connections ?? scenarioDefaults.connections,
      events: {
        changed: (host, partition, workType, from, to) =>
          recoveries.changed(`${host} ${workType} ${partition}`, entryOf(partition), from, to, clock.now()),
        committed: (partition, rank, ms) => {
          seriesOf(partition, rank).latency(ms, clock.now());
          drains.committed(entryOf(partition), clock.now());
        },
        drained: (partition, rank) => {
          seriesOf(partition, rank).count('drained', clock.now());
          drains.drained(entryOf(partition), clock.now());
        },
        inverted: () => {
          inversions += 1;
        },
        settled: () => {
          mustSettle = true;
        },
      },
    });
  });

  function arrive(request: Request, attempt: number): void {
    const { stream, partition, firstAt, name } = request;
    const { load, series, rank, fails, caller, random } = stream;
    const host = hosts[Math.floor(random() * hosts.length)] as Host;
    const now = clock.now();
    series.count('offered', now);
    const again = (waitMs: number): void => {
      if (clock.now() + waitMs >= firstAt + patienceMs) return;
      clock.after(waitMs + networkMs, () => arrive(request, attempt + 1));
    };
    const asked = host.ask(rank, partition, name, stream.mayDefer);
    if (asked.perform) {
      series.count('performed', now);
      if (!stream.isExempt && asked.reason !== 'probe') recoveries.admitted(load.partition, now);
      const wrote = (): void => asked.entry.wrote(partition);
      host.perform({ rank, partition, fails }, wrote, (well) => {
        asked.entry.finished();
        if (!well && caller.repeatsFailed) again(caller.waitMs(attempt, 0, random));
      });
    } else if (stream.mayDefer) {
      series.count('deferred', now);
      drains.deferred(load.partition, now);
      host.defer(rank, partition, fails);
    } else {
      series.count('refused', now);
      again(caller.waitMs(attempt, host.retryAfterMs(rank, partition, name), random));
    }
  }

  function begin(load: Load): void {
    const rank = names.indexOf(load.workType);
    const policy = options.workTypes[rank];
    const caller = callers[load.caller];
    const count = scenario.partitions[load.partition]?.count ?? scenarioDefaults.count;
    const isDeferring = policy?.whenOver === 'defer';
    const stream: Stream = {
      ...{ load, rank, caller, random: randomOf(seed, streams++) },
      series: tally.of(load.partition, load.workType),
      isExempt: policy?.exempt === true,
      fails: load.fails === true,
      mayDefer: isDeferring && (caller.respondsAsync || policy?.deferWithoutAsking === true),
    };
    const { random } = stream;
    const perMs = load.ratePerSecond / 1_000;
    const next = (): void => {
      if (clock.now() >= load.toMs) return;
      const partition = count === 1 ? load.partition : `${load.partition}\n${Math.floor(random() * count)}`;
      const name = caller.keyed ? `key-${requests++}` : undefined;
      arrive({ stream, partition, firstAt: clock.now(), name }, 1);
      clock.after(untilNextMs(random, perMs), next);
    };
    clock.after(load.fromMs + untilNextMs(random, perMs), next);
  }

  const seriesOfPartition = new Map<string, (Series | undefined)[]>();
  function seriesOf(partition: string, rank: number): Series {
    let known = seriesOfPartition.get(partition);
    if (known === undefined) {
      known = [];
      seriesOfPartition.set(partition, known);
    }
    known[rank] ??= tally.of(entryOf(partition), names[rank] ?? '');
    return known[rank];
  }

  const entries = new Map<string, string>();
  /** The entry of `partitions` that a partition belongs to. */
  function entryOf(name: string): string {
    const known = entries.get(name);
    if (known !== undefined) return known;
    // No name in a scenario has a control character.
    const [entry = name] = name.split('\n', 1);
    entries.set(name, entry);
    return entry;
  }

  scenario.load.forEach(begin);
  for (let events = 1; clock.step(durationMs); events++) {
    if (mustSettle) {
      mustSettle = false;
      await turn();
    }
    if (events % eventsBetween === 0) {
      watch?.passed(clock.now());
      await turn();
    }
  }
  return {
    windows: tally.rows(),
    inversions,
    retrips: recoveries.retrips,
    timeToFirstAdmissionAfterFaultMs: recoveries.timeToFirstAdmissionMs,
    drains: drains.rows(),
  };
}

/** Lets everything happen that waits for promises. */
function turn(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}

/** FNV-1a: a partition's chance depends on its name alone, and not on when it was first used. */
function hashOf(name: string): number {
  let hash = 0x811c9dc5;
  for (let at = 0; at < name.length; at++) hash = Math.imul(hash ^ name.charCodeAt(at), 0x01000193);
  return hash >>> 0;
}
