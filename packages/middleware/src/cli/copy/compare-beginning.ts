import type { OpenEngine } from '../../engines/engine.ts';
import { blocksOf, entriesOf } from '../../ledger/verify.ts';
import { notThisLedger } from './not-this-ledger.ts';

const entriesPerReport = 1_000;

/**
 * Compares a whole ledger in the target with the beginning of the source's, entries and blocks, and changes nothing. Rejects
 * with a `CommandFailed` where it has something else or more. Resolves with the number of its entries.
 */
export async function compareBeginning(
  source: OpenEngine,
  target: OpenEngine,
  onEntries: (count: number) => void,
): Promise<number> {
  let position = 0;
  const originals = entriesOf(source.log);
  for await (const entry of entriesOf(target.log)) {
    const { value } = await originals.next();
    if (value === undefined)
      throw notThisLedger(`it went on by itself, the source ends after ${position} entries`);
    if (Buffer.compare(value, entry) !== 0) throw notThisLedger(`its entry ${position} is another one`);
    position += 1;
    if (position % entriesPerReport === 0) onEntries(position);
  }
  let height = 0;
  const sealed = blocksOf(source.store);
  for await (const text of blocksOf(target.store)) {
    const { done, value } = await sealed.next();
    // What waited to be sealed in the source was sealed here, when the copy was finished.
    if (done === true) break;
    if (value !== text) throw notThisLedger(`its block ${height} is another one`);
    height += 1;
  }
  onEntries(position);
  return position;
}
