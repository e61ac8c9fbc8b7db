import { chainOf } from './chain.ts';
import type { OperationPointers } from './functions.ts';
import type { Operation } from './operation.ts';
import { invalid } from './operation-error.ts';

/** What else stands in the entry of a block takes less than 5,000 bytes. */
const mostBlockBytes = 60_000;
/** As long as every id of a block is. */
const someId = '0'.repeat(26);

/** Refuses an operation with a stage whose block is longer than an entry of the ledger can be. Throws `operation-invalid`. */
export function refuseLongStages(operation: Operation, pointers: OperationPointers): void {
  for (const block of chainOf(operation, pointers, () => someId)) {
    const bytes = Buffer.byteLength(JSON.stringify(block));
    if (bytes <= mostBlockBytes) continue;
    const tasks = block.tasks.length;
    const most = Math.floor((tasks * mostBlockBytes) / bytes);
    throw invalid(
      operation.name,
      `stage ${block.stage} has ${tasks} tasks and takes ${bytes} bytes; an entry of the ledger holds ${mostBlockBytes}, some ${most} of these tasks: ` +
        'have the others come after them ("after"), start several operations, or let one task do the work of many',
    );
  }
}
