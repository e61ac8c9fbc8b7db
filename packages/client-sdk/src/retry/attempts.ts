import axios, { type AxiosDefaults, type AxiosInstance, type AxiosRequestConfig } from 'axios';
import axiosRetry from 'axios-retry';
import type { RepeatWithin } from '../call/passage.ts';
import { noteWait } from '../errors/facts.ts';
import { isTraced, type StepFacts, traced } from '../telemetry.ts';
import { Again, mostWithinPass } from './again.ts';
import type { UnderWay } from './under-way.ts';

/** An instance without anybody's interceptors, whose axios-retry repeats what ends with an {@link Again} of soon. With `defaults`, those of another, as they are at each request. */
export function retryingInstance(defaults?: AxiosDefaults): AxiosInstance {
  if (defaults === undefined) {
    const instance = axios.create();
    instance.defaults.headers.common = {};
    axiosRetry(instance, { retries: 0 });
    return instance;
  }
  const core = new axios.Axios();
  core.defaults = defaults;
  const instance = Object.assign((config: AxiosRequestConfig) => core.request(config), {
    defaults,
    interceptors: core.interceptors,
    request: core.request.bind(core),
  }) as unknown as AxiosInstance;
  axiosRetry(instance, { retries: 0 });
  return instance;
}

/**
 * axios-retry repeats what is due at once, or nearly. It decides and waits nothing by itself, because its own ways ignore Retry-After, overflow timers and
 * go on after an abort; and longer waits are not its, because it keeps all that axios made of a request while it waits.
 */
export function repeatWithin(call: UnderWay): RepeatWithin {
  return {
    retries: mostWithinPass,
    shouldResetTimeout: true,
    retryDelay: () => 0,
    retryCondition: (error: unknown) => error instanceof Again && error.isSoon && comesSoon(call, error),
  };
}

async function comesSoon(call: UnderWay, again: Again): Promise<boolean> {
  try {
    await startWait(call, again);
    throwIfEnded(call);
    await nextEntered(call, again);
    return true;
  } catch (error) {
    again.end = error;
    return false;
  }
}

/** What is known of a repetition that is due. */
export type Turn = Pick<Again, 'waitMs' | 'reason' | 'status'>;

/** Waits as long as the server asked, or backing off, or until the limits of the call end it. */
export function startWait(call: UnderWay, { waitMs, reason }: Turn): Promise<void> {
  const { limits, sending } = call;
  const { onLog } = sending.options;
  if (!isTraced(onLog, 'wait')) return limits.wait(waitMs);
  const facts = (): StepFacts => ({ why: reason, waitMs: Math.round(waitMs), target: call.target });
  return traced(onLog, 'wait', facts, () => limits.wait(waitMs));
}

/** Throws what ended a wait, if anything has. */
export function throwIfEnded({ limits }: UnderWay): void {
  if (limits.isOver) throw limits.endedBy({ cause: limits.history.last?.error, retryable: true });
}

/** After its wait: stands in line for the next attempt. Throws what ends that. */
export async function nextEntered(call: UnderWay, { waitMs, reason, status }: Turn): Promise<void> {
  const { limits, sending, target } = call;
  const { runtime } = sending.options;
  const startedAtMs = runtime.steadyMs();
  const entered = sending.machinery.lanes.enter(target, limits);
  call.pass = entered instanceof Promise ? await entered : entered;
  const inLineMs = runtime.steadyMs() - startedAtMs;
  const waitedMs = call.pass.hadToWait ? waitMs + inLineMs : waitMs;
  noteWait(limits.history, waitedMs);
  call.notice = { reason, waitedMs, status };
}
