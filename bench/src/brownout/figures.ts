import type { Figure } from '../benchmark.ts';
import { once } from '../statistics.ts';
import type { Call } from './callers-process.ts';
import { recoveryS } from './recovery.ts';
import type { Round } from './round.ts';
import { capacity, offered, type Phases } from './scenario.ts';
import { quantile, tookMs } from './seconds.ts';

/** A payment that somebody waits for at a till is answered within this. */
export const promptMs = 1_000;

/** What is asked of each contender. */
export function figuresOf(round: Round, { healthyMs, slowMs, afterMs }: Phases): readonly Figure[] {
  const { contender: who, calls, sent, effects } = round;
  const [slowAt, quickAt, lastMs] = [healthyMs, healthyMs + slowMs, healthyMs + slowMs + afterMs];
  const answered = calls.filter(({ ending }) => ending === 'answered');
  const whileSlow = answered.filter(({ endedMs }) => endedMs >= slowAt && endedMs < quickAt);
  const payments = paymentsWhileSlow(calls, { healthyMs, slowMs, afterMs });
  // An oracle knows what the database takes and lets in that much, no more and no less.
  const most = Math.min(offered, capacity.slow) * (slowMs / 1_000);
  const recovered = recoveryS(calls, quickAt, lastMs);
  const share = { who, unit: 'share', better: 'more' } as const;
  const count = { who, unit: 'count', better: 'less' } as const;
  return [
    { ...share, what: 'calls answered, of all', value: once(answered.length / calls.length) },
    {
      ...share,
      what: 'payments answered within 1 s while slow',
      value: once(payments.prompt / payments.begun),
    },
    { ...share, what: 'answered while slow / what the oracle would', value: once(whileSlow.length / most) },
    {
      ...{ who, unit: 'ms', better: 'less', what: 'p99 of calls answered' },
      value: once(quantile(answered.map(tookMs), 0.99) ?? Number.NaN),
    },
    {
      ...{ who, unit: 's', better: 'less', what: 'back to normal after' },
      value: once(recovered ?? afterMs / 1_000),
      ...(recovered === null ? { note: 'not back to normal when it ended' } : {}),
    },
    {
      ...{ who, unit: 'ratio', better: 'less', what: 'requests sent for each call' },
      value: once(sent.reduce((sum, each) => sum + each, 0) / calls.length),
    },
    { ...count, what: 'told done, and lost', value: once(effects.lost) },
    { ...count, what: 'done more than once', value: once(effects.repeated) },
    { ...count, what: 'told failed, and done', value: once(effects.unknown) },
  ];
}

/** Payments that began while the database was slow, and those of them that were answered in time. */
export function paymentsWhileSlow(
  calls: readonly Call[],
  { healthyMs, slowMs }: Phases,
): { readonly begun: number; readonly prompt: number } {
  const payments = calls.filter(
    ({ workType, beganMs }) => workType === 'payment' && beganMs >= healthyMs && beganMs < healthyMs + slowMs,
  );
  const prompt = payments.filter((call) => call.ending === 'answered' && tookMs(call) <= promptMs);
  return { begun: payments.length, prompt: prompt.length };
}
