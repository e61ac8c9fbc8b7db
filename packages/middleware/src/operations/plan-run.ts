import type { OperationBlock } from '@slackwater/shared';
import { chainOf } from './chain.ts';
import type { KnownOperations } from './known-operations.ts';
import type { Operation } from './operation.ts';
import type { RunGround } from './run-ground.ts';

/**
 * The chain of a new run, with the sources that it names kept; nothing of it is recorded yet. Rejects with `operation-invalid`, or `function-refused` for a source that
 * may not run here.
 */
export async function planRun(
  { records, sources }: Pick<RunGround, 'records' | 'sources'>,
  known: KnownOperations,
  operation: Operation,
): Promise<readonly OperationBlock[]> {
  const pointers = known.add(operation);
  for (const digest of pointers.sources.keys()) sources.refuseForeign(digest);
  for (const [digest, source] of pointers.sources) await records.keepSource(digest, source);
  return chainOf(operation, pointers, records.newId);
}
