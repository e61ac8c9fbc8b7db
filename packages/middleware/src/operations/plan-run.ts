import type { OperationHappening } from '../ledger/operation-records.ts';
import { chainOf } from './chain.ts';
import type { KnownOperations } from './known-operations.ts';
import type { Operation } from './operation.ts';
import type { RunGround } from './run-ground.ts';

/**
 * What is to be recorded of a new run: its chain. The sources that it names are kept; nothing of it is recorded yet. Rejects with `operation-invalid`, or `function-refused` for a source that
 * may not run here.
 */
export async function planRun(
  { records, sources }: Pick<RunGround, 'records' | 'sources'>,
  known: KnownOperations,
  operation: Operation,
  token: number,
): Promise<readonly OperationHappening[]> {
  const pointers = known.add(operation);
  for (const digest of pointers.sources.keys()) sources.refuseForeign(digest);
  for (const [digest, source] of pointers.sources) await records.keepSource(digest, source);
  const blocks = chainOf(operation, pointers, records.newId);
  return blocks.map((block) => ({ type: 'stage-planned', step: { token, block } }));
}
