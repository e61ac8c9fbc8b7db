import type { Engine } from '../../packages/middleware/src/engines/engine.ts';
import {
  OptionContradictionError,
  OptionInvalidError,
  OptionMissingError,
} from '../../packages/middleware/src/options/option-error.ts';
import {
  entriesOf,
  type Read,
  type Readers,
  readGroup,
  within,
} from '../../packages/middleware/src/options/read-group.ts';
import {
  arrayOf,
  flag,
  milliseconds,
  number,
  oneOf,
  text,
} from '../../packages/middleware/src/options/read-values.ts';
import { resolveOptions } from '../../packages/middleware/src/options/resolve-options.ts';
import type { ResolvedOptions } from '../../packages/middleware/src/options/resolved.ts';
import { callerKinds, type Fault, type Load, type PartitionModel, type Scenario } from './scenario.ts';

/** A scenario that was checked, and the gate's options that it makes. */
export interface ReadScenario {
  readonly scenario: Scenario;
  readonly options: ResolvedOptions;
}

const hour = 3_600_000;
/** So many requests that come on their own take a few minutes. */
const mostRequests = 50_000_000;
const mostRows = 1_000_000;

const instant = milliseconds(0, hour);
const name = text(200, 'a name');

const faultReaders: Readers<Fault> = {
  fromMs: instant,
  toMs: instant,
  factor: number({ from: 1, to: 1e9, fractions: true }),
  latencyMs: milliseconds(1, hour),
  refuse: flag,
  hosts: number({ from: 1, to: 10_000, of: 'hosts' }),
  sparesProbes: flag,
};

const partitionReaders: Readers<PartitionModel> = {
  serviceMs: number({ from: 0.001, to: hour, of: 'milliseconds', fractions: true }),
  parallel: number({ from: 1, to: 100_000, of: 'commits' }),
  faults: arrayOf(readFault, 1_000, 'give an array of faults, [{ "fromMs": 0, "toMs": 1000, "factor": 20 }]'),
  connections: number({ from: 1, to: 10_000, of: 'connections' }),
  count: number({ from: 1, to: 1_000_000, of: 'partitions' }),
};

const loadReaders: Readers<Load> = {
  workType: name,
  partition: name,
  ratePerSecond: number({ from: 0.001, to: 1_000_000, of: 'requests', fractions: true }),
  fromMs: instant,
  toMs: instant,
  caller: oneOf(callerKinds),
  fails: flag,
};

/** Read by the gate itself. */
type OfGate = 'workTypes' | 'latency' | 'autoThreshold' | 'retryAfterCapMs';

const readers: Readers<Omit<Scenario, OfGate> & { readonly [Name in OfGate]?: unknown }> = {
  seed: number({ from: 0, to: 4_294_967_295 }),
  durationMs: milliseconds(1, hour),
  hosts: number({ from: 1, to: 10_000, of: 'hosts' }),
  workTypes: (value) => value,
  partitions: readPartitions,
  load: arrayOf(readLoad, 1_000, 'give an array of loads'),
  reportWindowMs: milliseconds(1, hour),
  latency: (value) => value,
  autoThreshold: (value) => value,
  retryAfterCapMs: (value) => value,
};

/**
 * Checks what a scenario's file says. Nothing is repaired, and what is unknown is refused by its name.
 *
 * @throws OptionInvalidError, OptionUnknownError, OptionMissingError with the member's full name, its value and the way out
 */
export function readScenario(value: unknown): ReadScenario {
  const given = readGroup(value, '', readers, {
    advice: 'a scenario is an object, { "seed": 1, "durationMs": 60000, ... }',
  });
  const { workTypes, latency, autoThreshold, retryAfterCapMs, ...own } = whole(given, '', needed.scenario);
  const options = resolveOptions({
    ...{ workTypes, latency, autoThreshold, retryAfterCapMs },
    requester,
    engine,
  });
  const scenario = { ...own, workTypes, latency, autoThreshold, retryAfterCapMs } as Scenario;
  checkNames(scenario, options);
  checkSize(scenario);
  return { scenario, options };
}

/** What options that defer need. Both are never asked: what is deferred stays in the memory of the simulated host. */
const requester = (): string => 'caller';
const engine: Engine = {
  name: 'simulated',
  durable: 'fsync',
  open: () => Promise.reject(new Error('A simulated engine keeps nothing.')),
};

const needed = {
  scenario: ['seed', 'durationMs', 'hosts', 'workTypes', 'partitions', 'load', 'reportWindowMs'],
  partition: ['serviceMs', 'parallel'],
  load: ['workType', 'partition', 'ratePerSecond', 'fromMs', 'toMs', 'caller'],
  fault: ['fromMs', 'toMs'],
} as const;

function whole<Group extends object, Name extends keyof Group & string>(
  given: Group,
  group: string,
  names: readonly Name[],
): Group & { readonly [Needed in Name]-?: Exclude<Group[Needed], undefined> } {
  for (const member of names) {
    if (given[member] === undefined)
      throw new OptionMissingError(within(group, member), `${names.join(', ')} are needed`);
  }
  return given as Group & { readonly [Needed in Name]-?: Exclude<Group[Needed], undefined> };
}

function readPartitions(value: unknown, group: string): Scenario['partitions'] {
  const advice = 'give partitions by name, { "orders": { "serviceMs": 5, "parallel": 8 } }';
  const entries = entriesOf(value, group, advice);
  if (entries.length === 0) throw new OptionInvalidError(group, value, advice);
  return Object.fromEntries(entries.map(([key, model]) => [key, readPartition(model, within(group, key))]));
}

const readPartition: Read<PartitionModel> = (value, group) => {
  const advice = 'give an object, { "serviceMs": 5, "parallel": 8 }';
  return whole(readGroup(value, group, partitionReaders, { advice }), group, needed.partition);
};

function readFault(value: unknown, group: string): Fault {
  const advice = 'give an object, { "fromMs": 0, "toMs": 1000, "factor": 20 }';
  const fault = whole(readGroup(value, group, faultReaders, { advice }), group, needed.fault);
  checkSpan(fault, group);
  const kinds = [fault.factor !== undefined, fault.latencyMs !== undefined, fault.refuse === true];
  if (kinds.filter(Boolean).length !== 1) {
    throw new OptionContradictionError(
      group,
      'a fault has one of factor, latencyMs and refuse: true; give one',
    );
  }
  if (fault.factor !== undefined && fault.hosts !== undefined) {
    throw new OptionContradictionError(
      within(group, 'hosts'),
      'a factor slows the partition itself, for every host; leave it out, or give latencyMs',
    );
  }
  if (fault.refuse === true && fault.sparesProbes === true) {
    throw new OptionContradictionError(
      within(group, 'sparesProbes'),
      'a probe needs a connection as well; leave it out, or give latencyMs or factor',
    );
  }
  return fault;
}

function readLoad(value: unknown, group: string): Load {
  const advice = `give an object with ${needed.load.join(', ')}`;
  const load = whole(readGroup(value, group, loadReaders, { advice }), group, needed.load);
  checkSpan(load, group);
  return load;
}

function checkSpan(
  { fromMs, toMs }: { readonly fromMs: number; readonly toMs: number },
  group: string,
): void {
  if (toMs > fromMs) return;
  throw new OptionContradictionError(
    within(group, 'toMs'),
    `${toMs} is not after fromMs, ${fromMs}; give a later one`,
  );
}

function checkNames({ load, partitions, hosts }: Scenario, { workTypes }: ResolvedOptions): void {
  const known = workTypes.map((workType) => workType.name);
  const places = Object.keys(partitions);
  load.forEach((entry, at) => {
    refuseUnlessIn(known, entry.workType, `load[${at}].workType`, 'workTypes');
    refuseUnlessIn(places, entry.partition, `load[${at}].partition`, 'partitions');
  });
  for (const [partition, { faults = [] }] of Object.entries(partitions)) {
    faults.forEach((fault, at) => {
      if ((fault.hosts ?? hosts) <= hosts) return;
      const option = `${within('partitions', partition)}.faults[${at}].hosts`;
      throw new OptionContradictionError(option, `${fault.hosts} of ${hosts} hosts; give at most ${hosts}`);
    });
  }
}

function refuseUnlessIn(known: readonly string[], value: string, option: string, group: string): void {
  if (known.includes(value)) return;
  throw new OptionInvalidError(option, value, `it is not one of ${group}: ${known.join(', ')}`);
}

function checkSize({ durationMs, load, reportWindowMs, partitions }: Scenario): void {
  const seconds = (fromMs: number, toMs: number): number =>
    Math.max(0, Math.min(toMs, durationMs) - fromMs) / 1_000;
  const requests = load.reduce(
    (sum, { fromMs, toMs, ratePerSecond }) => sum + ratePerSecond * seconds(fromMs, toMs),
    0,
  );
  if (requests > mostRequests) {
    throw new OptionContradictionError(
      'load',
      `it makes ${Math.round(requests).toLocaleString('en-US')} requests; at most ${mostRequests.toLocaleString('en-US')}: give lower rates or a shorter time`,
    );
  }
  const rows = Math.ceil(durationMs / reportWindowMs) * Math.max(1, load.length);
  if (rows > mostRows) {
    throw new OptionContradictionError(
      'reportWindowMs',
      `${reportWindowMs} makes ${rows.toLocaleString('en-US')} rows; give a longer one`,
    );
  }
  const models = Object.values(partitions).reduce((sum, { count = 1 }) => sum + count, 0);
  if (models > 1_000_000)
    throw new OptionContradictionError('partitions', 'they are over 1,000,000; give smaller counts');
}
