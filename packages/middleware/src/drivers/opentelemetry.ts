import { commitSources, serverName } from './driver.ts';
import { checkNames, checkPartition, invalid } from './observe-options.ts';
import type { DatabaseSpan, SpanCall } from './span.ts';
import { SpanCommits } from './span-commits.ts';

export type { DatabaseSpan, SpanCall } from './span.ts';
export { recordCalls, type SpanSampler } from './span-sampler.ts';

/** How spans are read as commits. */
export interface CommitSpansOptions {
  /**
   * What the commits go to: a name of 1 to 200 characters, or a function of the call that gives one, or undefined for what is not
   * to be measured. Required.
   */
  readonly partition: string | ((call: SpanCall) => string | undefined);
}

/** The SDK's `SpanProcessor`. */
export interface CommitSpanProcessor {
  onStart(span: DatabaseSpan): void;
  onEnd(span: DatabaseSpan): void;
  forceFlush(): Promise<void>;
  shutdown(): Promise<void>;
}

const mostCharacters = 200;

/**
 * Makes a span processor that reads the spans of instrumented database clients as commits: COMMITs of transactions that wrote,
 * and writes outside a transaction where it can be known that they are. It sees what the tracer records; see {@link recordCalls}.
 *
 * What a driver of Slackwater's observes is left to it. There are no completion rows: work that is deferred to such a partition is done at
 * least once. Nothing that it does throws into the tracer.
 *
 * Throws `option-missing`, `option-unknown` or `option-invalid`.
 */
export function commitSpans(options: CommitSpansOptions): CommitSpanProcessor {
  checkNames(options, ['partition'], 'commitSpans()');
  const { partition } = options;
  if (typeof partition !== 'function') checkPartition(partition, 'database', 'commitSpans()');
  const warned = new Set<string>();
  let isShutDown = false;

  function partitionOf(call: SpanCall): string | undefined {
    const name = typeof partition === 'function' ? partition(call) : partition;
    if (name === undefined) return undefined;
    if (typeof name !== 'string' || name === '' || name.length > mostCharacters) {
      throw invalid('partition', name, 'give a name of 1 to 200 characters, or undefined');
    }
    return isObserved(name, call) ? undefined : name;
  }

  /** A driver knows better, and counted twice each commit would stand for two. */
  function isObserved(name: string, { address, port }: SpanCall): boolean {
    const server =
      address === undefined || port === undefined ? undefined : serverName({ host: address, port });
    for (const source of commitSources()) {
      if (source.partition === name) return true;
      if (server === undefined || source.server !== server) continue;
      warn(
        'commits-observed-twice',
        `The spans of ${server} are to be measured as ${JSON.stringify(name)}, and its commits are observed by ${source.driver} as ${JSON.stringify(source.partition)}: they are left to that. Observe all pools of that server, or none.`,
      );
      return true;
    }
    return false;
  }

  function warn(code: string, message: string): void {
    if (warned.has(code)) return;
    warned.add(code);
    process.emitWarning(message, { type: 'SlackwaterWarning', code });
  }

  function safely(work: () => void): void {
    if (isShutDown) return;
    try {
      work();
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      warn('commit-span-failed', `A span could not be read as a commit, and was left out: ${why}`);
    }
  }

  const commits = new SpanCommits(partitionOf);
  return {
    onStart: (span) => safely(() => commits.start(span)),
    onEnd: (span) => safely(() => commits.end(span)),
    forceFlush: async () => {},
    async shutdown() {
      safely(() => commits.close());
      isShutDown = true;
    },
  };
}
