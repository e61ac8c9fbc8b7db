import type { DeferOptions } from '../../options/request-slackwater.ts';
import type { ResolvedOptions } from '../../options/resolved.ts';
import type { PartMeans, PartToRecord } from './contract.ts';
import type { DeferringRequest } from './deferring-request.ts';
import { PartRefusedError } from './part-error.ts';

type Registered = ResolvedOptions['parts'] extends ReadonlyMap<string, infer Part> ? Part : never;

/** What a handler said of a part, and what its registration says. */
export interface SaidOfPart {
  readonly name: string;
  readonly part: Registered;
  readonly payload: unknown;
  readonly options: DeferOptions;
}

const knownOptions: readonly string[] = [
  'partition',
  'orderKey',
  'maxDelayMs',
] satisfies (keyof DeferOptions)[];
const mostCharacters = { partition: 200, orderKey: 1_000 } as const;

/** Where, by what, and in which order a part is performed. Throws `part-refused`. */
export function partToRecord(
  { options: gate, recorders }: Pick<PartMeans, 'options' | 'recorders'>,
  request: DeferringRequest,
  said: SaidOfPart,
): Omit<PartToRecord, 'payload' | 'ordinal'> {
  const { name, part, options } = said;
  const { parent, key, requester, pseudonym } = request;
  const unknown = Object.keys(options).find((option) => !knownOptions.includes(option));
  if (unknown !== undefined) {
    throw new PartRefusedError(
      name,
      `there is no option ${JSON.stringify(unknown.slice(0, 60))}; known here are ${knownOptions.join(', ')}`,
    );
  }
  const named = part.workType ?? request.workType;
  const policy = gate.workTypes.find((one) => one.name === named);
  const { priority, name: workType } = policy ?? {
    name: gate.defaultWorkType,
    priority: leastImportant(gate),
  };
  const partition = partitionOf(request, said);
  if (recorders?.completionsOf(partition) === undefined) {
    throw new PartRefusedError(
      name,
      `nobody observes its partition ${JSON.stringify(partition)}, so that it would wait for ever; observe(pool, { partition: ${JSON.stringify(partition)} }), or name one that is observed`,
    );
  }
  const orderKey = orderKeyOf(said);
  const { maxDelayMs } = options;
  if (maxDelayMs !== undefined && !(maxDelayMs >= 1_000 && maxDelayMs <= 30 * 86_400_000)) {
    throw new PartRefusedError(name, `its maxDelayMs is ${String(maxDelayMs)}; give 1,000 to 2,592,000,000`);
  }
  return {
    ...{ name, parent, key, requester, workType, priority, partition },
    ...(pseudonym === undefined ? {} : { pseudonym }),
    ...(orderKey === undefined ? {} : { orderKey }),
    ...(maxDelayMs === undefined ? {} : { maxDelayMs: Math.floor(maxDelayMs) }),
  };
}

function leastImportant({ workTypes }: Pick<ResolvedOptions, 'workTypes'>): number {
  return workTypes.at(-1)?.priority ?? 1;
}

function partitionOf(request: DeferringRequest, { name, part, payload, options }: SaidOfPart): string {
  const registered =
    typeof part.partition === 'function'
      ? asked(name, 'partition', () => (part.partition as (payload: unknown) => unknown)(payload))
      : part.partition;
  const partition: unknown = options.partition ?? registered ?? request.partition;
  if (typeof partition === 'string' && partition !== '' && partition.length <= mostCharacters.partition) {
    return partition;
  }
  const what =
    partition === undefined
      ? 'nothing says what it commits to: neither it nor its request has a partition'
      : `its partition is no name of 1 to ${mostCharacters.partition} characters`;
  throw new PartRefusedError(name, `${what}; give it one, parts.${name}.partition`);
}

function orderKeyOf({ name, part, payload, options }: SaidOfPart): string | undefined {
  const orderKey: unknown =
    options.orderKey ?? asked(name, 'orderKey', () => part.orderKey?.(payload as never));
  if (orderKey === undefined || orderKey === '') return undefined;
  if (typeof orderKey === 'string' && orderKey.length <= mostCharacters.orderKey) return orderKey;
  throw new PartRefusedError(
    name,
    `its order key is no string of up to ${mostCharacters.orderKey} characters`,
  );
}

function asked(name: string, option: string, ask: () => unknown): unknown {
  try {
    return ask();
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new PartRefusedError(name, `parts.${name}.${option} threw: ${why}`);
  }
}
