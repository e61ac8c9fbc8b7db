import type { Limits } from '../call/limits.ts';
import { factsOf } from '../errors/facts.ts';
import { DeadlineExceededError } from '../errors/waiting.ts';
import type { Runtime } from '../runtime.ts';
import { type RetryBudget, retryBudget } from './budget.ts';
import { Lane, type Pass } from './lane.ts';

/** What is kept of targets and lanes: the oldest are forgotten first. */
const mostKept = 1_000;

/** How a client finds the line that a call has to stand in. */
export interface Lanes {
  /**
   * The leave to send an attempt to a target, at once where nothing is known against it.
   *
   * @throws DeadlineExceededError at once where its lane is closed for longer than the call may take; the error of the limits where they
   * end the wait.
   */
  enter(target: string, limits: Limits): Promise<Pass> | Pass;
  /** A call to this target was refused: from now on it belongs to that lane. Tells the lane, too. */
  refused(target: string, lane: string, pass: Pass, askedMs: number): void;
  /** What unasked retries of calls to a target are taken from: those of a lane do not use up another's. */
  budgetOf(target: string): RetryBudget;
  /** The server said that it keeps the keys of requests that it performed for calls to a target. */
  noteKeys(target: string): void;
  /** Whether it did. */
  keepsKeys(target: string): boolean;
}

const free: Pass = {
  hadToWait: false,
  lane: undefined,
  answered: () => {},
  refused: () => {},
  lost: () => {},
};

/** Lanes of a client, as the server's refusals make them known. `breaks` false: nobody stands in line. */
export function lanesOf(runtime: Runtime, budgetSize: number, breaks: boolean): Lanes {
  const laneOfTarget = new Map<string, string>();
  const lanes = new Map<string, Lane>();
  const budgets = new Map<string, RetryBudget>();
  const keepers = new Map<string, true>();
  const shared = retryBudget(budgetSize, runtime.steadyMs());
  const laneAt = (name: string): Lane => {
    const known = lanes.get(name) ?? new Lane(runtime);
    return remember(lanes, name, known, (lane) => lane.waiting === 0);
  };
  return {
    enter(target, limits) {
      const name = laneOfTarget.get(target);
      const lane = name === undefined ? undefined : lanes.get(name);
      if (lane === undefined || name === undefined) return free;
      if (lane.isClear) {
        lanes.delete(name);
        return free;
      }
      throwIfTooLate(lane, limits, runtime);
      return lane.tryEnter() ?? standIn(lane, limits, runtime);
    },
    refused(target, name, pass, askedMs) {
      remember(laneOfTarget, target, name, () => true);
      if (!breaks) return;
      const lane = laneAt(name);
      if (pass.lane === lane) return pass.refused(askedMs);
      // It was sent as one of no lane, or of another, which took it for what that is.
      pass.answered();
      lane.refuse(askedMs);
    },
    budgetOf(target) {
      const name = laneOfTarget.get(target);
      if (name === undefined) return shared;
      const budget = budgets.get(name) ?? retryBudget(budgetSize, runtime.steadyMs());
      return remember(budgets, name, budget, () => true);
    },
    noteKeys: (target) => void remember(keepers, target, true, () => true),
    keepsKeys: (target) => keepers.has(target),
  };
}

async function standIn(lane: Lane, limits: Limits, runtime: Runtime): Promise<Pass> {
  const pass = await lane.stand(limits);
  if (pass !== undefined) return pass;
  throw limits.endedBy({ retryAt: reopensAt(lane, runtime) }) ?? new Error('the wait ended without a reason');
}

function throwIfTooLate(lane: Lane, limits: Limits, runtime: Runtime): void {
  const { circuit } = lane;
  if (circuit.state !== 'open') return;
  const waitMs = circuit.untilMs - runtime.steadyMs();
  if (waitMs < limits.remainingMs()) return;
  throw new DeadlineExceededError(
    `The server takes no such work for another ${Math.ceil(waitMs)} ms, which is longer than the call may take. Nothing was sent.`,
    { ...factsOf(limits.history), retryable: true, retryAt: reopensAt(lane, runtime) },
  );
}

function reopensAt({ circuit }: Lane, runtime: Runtime): Date | undefined {
  if (circuit.state !== 'open') return undefined;
  return new Date(runtime.wallMs() + Math.max(0, circuit.untilMs - runtime.steadyMs()));
}

/** Puts a value last, and forgets the first that may be forgotten where there are too many. */
function remember<V>(kept: Map<string, V>, name: string, value: V, mayForget: (value: V) => boolean): V {
  kept.delete(name);
  kept.set(name, value);
  if (kept.size <= mostKept) return value;
  for (const [oldest, candidate] of kept) {
    if (!mayForget(candidate)) continue;
    kept.delete(oldest);
    break;
  }
  return value;
}
