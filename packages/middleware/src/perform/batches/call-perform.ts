import type { Clock } from '../../clock.ts';
import { eitherSignal } from '../either-signal.ts';
import { asBatchError } from './batch-error.ts';
import type { ResolvedBatch } from './batch-options.ts';
import type { BatchContext, BatchError, BatchItem } from './batch-types.ts';
import { shown } from './shown-value.ts';

/** How one call of `perform` ended. */
export interface CallEnd {
  /** Why items failed, by id; all others are done. */
  readonly failed: ReadonlyMap<string, BatchError>;
  /** Whether it goes on although nobody waits for it any more. */
  readonly isLoose: boolean;
}

/** What one call goes by. */
export interface CallRules {
  readonly clock: Clock;
  readonly options: Pick<ResolvedBatch, 'name' | 'perform' | 'attemptTimeoutMs'>;
  /** Aborted where calls are to end at once. */
  readonly stop: AbortSignal;
}

/** Calls `perform` for some items of one partition, and waits no longer than it may take. Never rejects. */
export async function callPerform(
  { clock, options, stop }: CallRules,
  items: readonly BatchItem[],
  context: Omit<BatchContext, 'signal'>,
): Promise<CallEnd> {
  const { name, attemptTimeoutMs } = options;
  const late = new AbortController();
  const { signal, release } = eitherSignal(stop, late.signal);
  const timer = clock.after(attemptTimeoutMs, () => late.abort());
  const aborted = new Promise<'aborted'>((resolve) => {
    if (signal.aborted) resolve('aborted');
    signal.addEventListener('abort', () => resolve('aborted'), { once: true });
  });
  const called = (async () => options.perform(items, { ...context, signal }))();
  try {
    const ended = await Promise.race([called.then((answer) => ({ answer })), aborted]);
    if (ended !== 'aborted') return { failed: failedOf(name, items, ended.answer), isLoose: false };
    // What it throws when it is aborted is nobody's concern.
    called.catch(() => {});
    return {
      failed: allFailed(items, late.signal.aborted ? tooLate(name, attemptTimeoutMs) : interrupted(name)),
      isLoose: true,
    };
  } catch (error) {
    return { failed: allFailed(items, asBatchError(error, 'batch-perform-failed')), isLoose: false };
  } finally {
    timer.cancel();
    release();
  }
}

function allFailed(items: readonly BatchItem[], error: BatchError): CallEnd['failed'] {
  return new Map(items.map(({ id }) => [id, error]));
}

function tooLate(name: string, limitMs: number): BatchError {
  return {
    code: 'attempt-timed-out',
    message: `perform of the batch ${name} took longer than ${limitMs} ms; whether its work was done is not known. End it when its signal is aborted, or raise attemptTimeoutMs`,
  };
}

function interrupted(name: string): BatchError {
  return {
    code: 'batch-interrupted',
    message: `The run of the batch ${name} ended while perform was under way; whether its work was done is not known`,
  };
}

/** What `perform` says of its items; whatever has no `failed` says that all are done. */
function failedOf(name: string, items: readonly BatchItem[], answer: unknown): CallEnd['failed'] {
  const named: unknown = (answer as { readonly failed?: unknown } | null | undefined)?.failed;
  if (named === undefined) return new Map();
  if (!Array.isArray(named)) return allFailed(items, notUnderstood(name, named));
  const ids = new Set(items.map(({ id }) => id));
  const failed = new Map<string, BatchError>();
  for (const one of named as readonly ({ readonly id?: unknown; readonly error?: unknown } | null)[]) {
    const id: unknown = one?.id;
    // It may mean any of them: better one that is done again than one that is lost.
    if (typeof id !== 'string' || !ids.has(id)) return allFailed(items, notUnderstood(name, one));
    failed.set(id, asBatchError(one?.error ?? 'perform said that it failed', 'batch-perform-failed'));
  }
  return failed;
}

function notUnderstood(name: string, failed: unknown): BatchError {
  return {
    code: 'batch-perform-failed',
    message: `perform of the batch ${name} named ${shown(failed)} as failed; give { failed: [{ id, error }] } with ids of the items it was given. All of them count as failed`,
  };
}
