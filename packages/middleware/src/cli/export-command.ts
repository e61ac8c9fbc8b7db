import type { Command } from './command.ts';
import { exportLines } from './export/lines.ts';
import { exportTiles } from './export/tiles.ts';
import { showProgress } from './progress.ts';
import { readOptions, usage } from './read-options.ts';
import { sourceHelp, sourceOptions, withSource } from './sources/sources.ts';

const help = `Usage: slackwater export --ledger PLACE (--ndjson FILE | --tiles DIRECTORY) [--json]

Writes a ledger into files that need nothing of Slackwater to be read. Entries are salted and name nobody; of
payloads and outcomes nothing is written.

${sourceHelp}  --ndjson FILE       the sealed entries, one on each line: the very bytes that are hashed. A dash
                      stands for standard output
  --tiles DIRECTORY   C2SP tlog-tiles: checkpoint, tile/<level>/<index>, tile/entries/<index>, and the
                      blocks in blocks.ndjson. The directory must be empty, or not there yet. The
                      checkpoint is written last: without it an export is not finished
  --json              one line of JSON about what was written, instead of text for people

Until it is whole FILE is called FILE.unfinished, and DIRECTORY has a file .unfinished in it. Where an export
was interrupted, the same command throws away what that left and begins again.

What it exports is compared with the roots that were signed, block by block, and an export of anything else
ends with 3; to verify signatures and all the rest is what verify is for, of the export as well.
`;

/** `slackwater export`: writes a ledger into plain files. */
export const exportCommand: Command = {
  summary: 'writes a ledger into plain files: lines of JSON, or C2SP tiles',
  help,
  async run(args, { stdout, stderr, clock }) {
    const options = readOptions('export', args, [...sourceOptions, 'ndjson', 'tiles'], ['json']);
    const { ndjson, tiles } = options;
    if ((ndjson === undefined) === (tiles === undefined))
      throw usage('export', 'give one of --ndjson and --tiles');
    if (ndjson === '-' && options.json === true)
      throw usage('export', '--json: standard output has the entries');
    const progress = showProgress(stderr, clock);
    const written = await withSource('export', options, { clock, say: progress.say }, async ({ source }) => {
      const onEntries = (done: number): void =>
        progress.report('exporting entries', done, Math.max(done, source.size));
      if (tiles !== undefined) return exportTiles(source, tiles, onEntries);
      return exportLines(source, ndjson === '-' ? stdout : (ndjson ?? ''), onEntries);
    }).finally(() => progress.end());
    if (options.json === true) stdout.write(`${JSON.stringify(written)}\n`);
    else
      stderr.write(
        `wrote ${written.entries} entries${'files' in written ? ` into ${written.files} files` : ''}\n`,
      );
  },
};
