import { leafHash, parseBlock, parseCheckpoint, parseEntry } from '@slackwater/shared';
import { sha256 } from '../ledger/sha256.ts';
import { openSigner } from '../ledger/signer.ts';
import type { Command } from './command.ts';
import { CommandFailed } from './failures.ts';
import { findEntries, lastBlock } from './inspect/look.ts';
import { showProgress } from './progress.ts';
import { readOptions, usage } from './read-options.ts';
import type { LedgerSource } from './sources/source.ts';
import { type OpenSource, sourceHelp, sourceOptions, withSource } from './sources/sources.ts';

const help = `Usage: slackwater inspect --ledger PLACE [--entry N | --block N | --deferral ID | --checkpoint] [--json]

Shows what is in a ledger: how far it has come, or one entry, one block, or what became of one deferral.
It reads and verifies nothing: that is what verify does.

${sourceHelp}  --entry N           the entry at that position, and its leaf hash
  --block N           the block of that height
  --deferral ID       every entry about that deferral, in their order. Reads the whole ledger
  --checkpoint        the signed head as it is, to be kept elsewhere for verify --old-checkpoint
  --json              one line of JSON instead of text for people
`;

const choices = ['entry', 'block', 'deferral'] as const;

/** `slackwater inspect`: shows what is in a ledger. */
export const inspectCommand: Command = {
  summary: 'shows what is in a ledger: its head, an entry, a block, a deferral',
  help,
  async run(args, { stdout, stderr, clock }) {
    const options = readOptions('inspect', args, [...sourceOptions, ...choices], ['json', 'checkpoint']);
    const chosen = [...choices, 'checkpoint' as const].filter((name) => options[name] !== undefined);
    if (chosen.length > 1) throw usage('inspect', `give one of --${chosen.join(' and --')}`);
    const [entry, block] = [numberOf('entry', options.entry), numberOf('block', options.block)];
    const progress = showProgress(stderr, clock);
    const found = await withSource('inspect', options, { clock, say: progress.say }, async (open) => {
      const { source } = open;
      if (options.checkpoint === true) return { checkpoint: await checkpointOf(source) };
      if (entry !== undefined) return entryAt(source, entry);
      if (block !== undefined) return blockAt(source, block);
      if (options.deferral === undefined) return overview(open);
      const onEntries = (done: number): void => progress.report('reading entries', done, source.size);
      return { deferral: options.deferral, entries: await findEntries(source, options.deferral, onEntries) };
    }).finally(() => progress.end());
    if (options.json === true) stdout.write(`${JSON.stringify(found)}\n`);
    else if (options.checkpoint === true) stdout.write(String((found as { checkpoint: unknown }).checkpoint));
    else stdout.write(`${JSON.stringify(found, undefined, 2)}\n`);
  },
};

function numberOf(option: string, value: string | undefined): number | undefined {
  if (value === undefined) return undefined;
  if (/^(?:0|[1-9][0-9]{0,14})$/.test(value)) return Number(value);
  throw usage('inspect', `--${option} ${JSON.stringify(value)}: give a number from 0 on`);
}

async function overview({ source, keys }: OpenSource): Promise<object> {
  const block = source.blocks === undefined ? undefined : await lastBlock(source);
  const checkpoint = source.checkpoint ?? block?.checkpoint;
  const head = checkpoint === undefined ? undefined : parseCheckpoint(checkpoint);
  return {
    ledger: source.shown,
    ...(head && { origin: head.origin, sealed: head.size, root: Buffer.from(head.root).toString('base64') }),
    entries: source.size,
    ...(block && { blocks: block.height + 1, sealedAt: block.sealedAt }),
    ...(keys && { verifierKey: openSigner(keys).verifierKey }),
    ...(checkpoint !== undefined && { checkpoint }),
  };
}

async function checkpointOf(source: LedgerSource): Promise<string> {
  const checkpoint = source.checkpoint ?? (await lastBlock(source))?.checkpoint;
  if (checkpoint !== undefined) return checkpoint;
  throw new CommandFailed(`${source.shown} has no block yet, and so no checkpoint`);
}

async function entryAt(source: LedgerSource, index: number): Promise<object> {
  if (source.entry === undefined)
    throw new CommandFailed(`${source.shown} shows no entries; --token may be missing`);
  const bytes = await source.entry(index);
  if (bytes === undefined)
    throw new CommandFailed(`${source.shown} has no entry ${index}; it has ${source.size}`);
  const leaf = Buffer.from(leafHash(bytes, { sha256 })).toString('base64');
  return { index, leafHash: leaf, entry: parseEntry(bytes) };
}

async function blockAt(source: LedgerSource, height: number): Promise<object> {
  const text = await source.block?.(height);
  if (text === undefined) throw new CommandFailed(`${source.shown} has no block ${height}`);
  return parseBlock(text);
}
