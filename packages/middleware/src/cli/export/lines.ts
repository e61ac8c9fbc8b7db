import type { Output } from '../command.ts';
import { UsageError } from '../failures.ts';
import type { LedgerSource } from '../sources/source.ts';
import { sealedRuns } from './sealed-entries.ts';
import { beginFile } from './unfinished.ts';

const newline = Buffer.from('\n');

/**
 * Writes the sealed entries, a line each, to a new file or a stream. The file is there when all of it is. Rejects as {@link sealedRuns}, and
 * for a file that is there.
 */
export async function exportLines(
  source: LedgerSource,
  target: string | Output,
  onEntries: (done: number) => void,
): Promise<{ readonly file?: string; readonly entries: number }> {
  if (typeof target !== 'string') {
    return {
      entries: await writeLines(
        source,
        async (lines) => void target.write(lines.toString('utf8')),
        onEntries,
      ),
    };
  }
  const begun = await beginFile(target).catch((error: unknown) => {
    const said = error instanceof Error ? error.message : String(error);
    throw new UsageError(`--ndjson ${target}: give a new file that can be written (${said})`);
  });
  try {
    const entries = await writeLines(source, (lines) => begun.file.appendFile(lines), onEntries);
    await begun.finish();
    return { file: target, entries };
  } finally {
    await begun.close();
  }
}

async function writeLines(
  source: LedgerSource,
  write: (lines: Buffer) => Promise<void>,
  onEntries: (done: number) => void,
): Promise<number> {
  let size = 0;
  for await (const { block, entries } of sealedRuns(source)) {
    // Canonical JSON has no line breaks in it.
    await write(Buffer.concat(entries.flatMap((entry) => [entry, newline])));
    size = block.size;
    onEntries(size);
  }
  return size;
}
