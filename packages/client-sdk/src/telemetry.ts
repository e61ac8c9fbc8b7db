import { redact } from './errors/redact.ts';

/** What a client does that others can watch. */
export type ClientStep = 'attempt' | 'wait' | 'poll' | 'verify';

/** What is told of a step; capabilities are redacted, and there are no bodies and no headers in it. */
export type StepFacts = Readonly<Record<string, string | number | boolean | undefined>>;

/** A line for a log. */
export interface ClientLogEntry {
  /** `warn`: it failed. What fails may be tried again; that the call failed its caller is told. */
  readonly level: 'debug' | 'warn';
  readonly step: ClientStep | 'store';
  /** For people. */
  readonly message: string;
  readonly facts: StepFacts;
}

/** Takes lines for a log. What it throws is ignored. */
export type ClientLog = (entry: ClientLogEntry) => void;

/** As much of Node's `TracingChannel` as is used. */
interface Channel {
  readonly hasSubscribers?: boolean | undefined;
  tracePromise<T>(work: () => Promise<T>, context: object): Promise<T>;
}

const channels = new Map<ClientStep, Channel | undefined>();

/** Whether anybody wants to know of a step. */
export function isTraced(log: ClientLog | undefined, step: ClientStep): boolean {
  return log !== undefined || channelOf(step)?.hasSubscribers === true;
}

/**
 * Does a step, and tells of it: to the log, and in Node.js to the subscribers of the TracingChannel `slackwater:client:<step>`, whose message is
 * the facts, with `result` or `error` added. Costs next to nothing where nobody listens.
 */
export function traced<T>(
  log: ClientLog | undefined,
  step: ClientStep,
  factsOf: () => StepFacts,
  work: () => Promise<T>,
): Promise<T> {
  return isTraced(log, step) ? watched(log, step, factsOf, work) : work();
}

async function watched<T>(
  log: ClientLog | undefined,
  step: ClientStep,
  factsOf: () => StepFacts,
  work: () => Promise<T>,
): Promise<T> {
  const channel = channelOf(step);
  const isWatched = channel?.hasSubscribers === true;
  const facts = redacted(factsOf());
  const done = isWatched && channel !== undefined ? channel.tracePromise(work, { ...facts }) : work();
  if (log === undefined) return await done;
  try {
    const result = await done;
    tell(log, { level: 'debug', step, message: `${step} done`, facts });
    return result;
  } catch (error) {
    const why = redact(error instanceof Error ? error.message : String(error));
    tell(log, { level: 'warn', step, message: `${step} failed: ${why}`, facts });
    throw error;
  }
}

/** Gives a line to a log, if there is one. */
export function tell(log: ClientLog | undefined, entry: ClientLogEntry): void {
  try {
    log?.(entry);
  } catch {
    // A log that fails must not fail the call.
  }
}

function redacted(facts: StepFacts): StepFacts {
  const entries = Object.entries(facts).map(([name, value]) => [
    name,
    typeof value === 'string' ? redact(value) : value,
  ]);
  return Object.fromEntries(entries);
}

/** Node gives its own modules to those who ask at run time, so that no bundler looks for them. */
function channelOf(step: ClientStep): Channel | undefined {
  if (channels.has(step)) return channels.get(step);
  const node = Reflect.get(globalThis, 'process') as
    | { getBuiltinModule?: (name: string) => { tracingChannel?: (name: string) => Channel } | undefined }
    | undefined;
  const channel = node
    ?.getBuiltinModule?.('diagnostics_channel')
    ?.tracingChannel?.(`slackwater:client:${step}`);
  channels.set(step, channel);
  return channel;
}
