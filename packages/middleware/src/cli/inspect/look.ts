import { type LedgerBlock, type LedgerEntry, parseBlock, parseEntry } from '@slackwater/shared';
import { CommandFailed } from '../failures.ts';
import type { LedgerSource } from '../sources/source.ts';

/** The newest block, found by doubling and halving; undefined where there is none. */
export async function lastBlock({ block }: LedgerSource): Promise<LedgerBlock | undefined> {
  if (block === undefined) return undefined;
  let there = -1;
  let step = 1;
  // Nothing is missing below a block that is there: what is, a verification says.
  while ((await block(there + step)) !== undefined) {
    there += step;
    step *= 2;
  }
  for (; step >= 1; step = Math.floor(step / 2)) {
    if ((await block(there + step)) !== undefined) there += step;
  }
  const text = there === -1 ? undefined : await block(there);
  return text === undefined ? undefined : parseBlock(text);
}

/** What the ledger says of one deferral. */
export async function findEntries(
  source: LedgerSource,
  id: string,
  onEntries: (done: number) => void,
): Promise<readonly { readonly index: number; readonly entry: LedgerEntry }[]> {
  if (source.entries === undefined)
    throw new CommandFailed(`${source.shown} shows no entries; --token may be missing`);
  const needle = Buffer.from(`"id":${JSON.stringify(id)}`);
  const found: { index: number; entry: LedgerEntry }[] = [];
  let first = 0;
  for await (const page of source.entries()) {
    for (const [i, bytes] of page.entries()) {
      const isAbout = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).includes(needle);
      const entry = isAbout ? parseEntry(bytes) : undefined;
      if (entry?.id === id) found.push({ index: first + i, entry });
    }
    first += page.length;
    onEntries(first);
  }
  return found;
}
