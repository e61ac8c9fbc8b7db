/** What decides which spans are recorded: the SDK's `Sampler`. */
export interface SpanSampler<Arguments extends readonly unknown[], Result extends { decision: number }> {
  shouldSample(...args: Arguments): Result;
  toString(): string;
}

const notRecorded = 0;
const recorded = 1;
const client = 2;

/**
 * Wraps the sampler of a tracer so that calls of other services are recorded also where their traces are not sampled: then span
 * processors see them, and exporters still do not. Without it, commits of traces that are not sampled are not measured.
 */
export function recordCalls<Arguments extends readonly unknown[], Result extends { decision: number }>(
  sampler: SpanSampler<Arguments, Result>,
): SpanSampler<Arguments, Result> {
  return {
    shouldSample(...args) {
      const result = sampler.shouldSample(...args);
      // Context, trace, name, kind.
      const isCall = args[3] === client;
      return isCall && result.decision === notRecorded ? { ...result, decision: recorded } : result;
    },
    toString: () => `RecordCalls{${sampler.toString()}}`,
  };
}
