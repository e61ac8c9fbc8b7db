import {
  type Commit,
  commitFinished,
  commitStarted,
} from '../../../packages/middleware/src/drivers/driver.ts';
import type { CompletionScope, RequestContext } from '../../../packages/middleware/src/request-context.ts';

/** What the drivers publish while a test listens. */
export interface HeardCommits {
  readonly started: Commit[];
  readonly finished: Commit[];
  /** Forgets what was heard. */
  clear(): void;
  close(): void;
}

/** Listens to one partition, or all. */
export function hearCommits(partition?: string): HeardCommits {
  const started: Commit[] = [];
  const finished: Commit[] = [];
  const into = (list: Commit[]) => (message: unknown) => {
    const commit = message as Commit;
    if (partition === undefined || commit.partition === partition) list.push(commit);
  };
  const onStarted = into(started);
  const onFinished = into(finished);
  commitStarted.subscribe(onStarted);
  commitFinished.subscribe(onFinished);
  return {
    started,
    finished,
    clear() {
      started.length = 0;
      finished.length = 0;
    },
    close() {
      commitStarted.unsubscribe(onStarted);
      commitFinished.unsubscribe(onFinished);
    },
  };
}

/** A request's context as the gate would give it, which notes what it was told. */
export function contextOf(given: { postponable?: boolean; key?: string } = {}): RequestContext & {
  readonly completion: CompletionScope | undefined;
  readonly written: string[];
} {
  const written: string[] = [];
  const { key } = given;
  return {
    postponable: given.postponable ?? false,
    completion: key === undefined ? undefined : { key, nextOrdinal: 0, duplicate: false },
    wrote: (partition) => written.push(partition),
    written,
  };
}
