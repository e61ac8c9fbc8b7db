/**
 * Keeps a client's unasked retries to a share of its calls, so that an outage is not multiplied by everyone
 * who notices it. Retries that a server asked for by Retry-After are not taken from it.
 */
export interface RetryBudget {
  /** A call began: adds its share. */
  deposit(): void;
  /** Takes one retry; false where the budget is used up. */
  withdraw(nowMs: number): boolean;
}

const sharePerCall = 0.2;
const perSecond = 2;

/** A token bucket that holds `capacity` retries, full at first, refilled by calls and slowly by time. */
export function retryBudget(capacity: number, startMs: number): RetryBudget {
  let tokens = capacity;
  let refilledAtMs = startMs;
  return {
    deposit: () => {
      tokens = Math.min(capacity, tokens + sharePerCall);
    },
    withdraw: (nowMs) => {
      tokens = Math.min(capacity, tokens + (Math.max(0, nowMs - refilledAtMs) / 1_000) * perSecond);
      refilledAtMs = nowMs;
      if (tokens < 1) return false;
      tokens -= 1;
      return true;
    },
  };
}
