import { readFile } from 'node:fs/promises';
import { formatVerifierKey } from '@slackwater/shared';
import { lookingAgain } from '../ledger/verify.ts';
import type { Command } from './command.ts';
import { NotVerified, UsageError } from './failures.ts';
import { type Progress, showProgress } from './progress.ts';
import { readOptions, usage } from './read-options.ts';
import { type OpenSource, sourceHelp, sourceOptions, withSource } from './sources/sources.ts';
import { recordCheck } from './verify/check-records.ts';
import { type SourceRefused, type SourceVerified, verifySource } from './verify/verify-source.ts';

const help = `Usage: slackwater verify --ledger PLACE [--verifier-key KEY] [--old-checkpoint FILE] [--json]

Verifies a whole ledger in one pass: the bytes of its entries, the chain of its blocks, the tree, every
signature, what its entries say of each deferral, and, where an engine and its keys are at hand, that payloads
and outcomes are those whose digests the entries have. Names the first thing that is wrong.

${sourceHelp}  --verifier-key KEY  the key that signs its checkpoints, from whoever runs it and not from the ledger.
                      The first one leads to those that came after it; several have blanks between them.
                      May be left out where the key file is at hand: then it is the key in that file
  --old-checkpoint FILE
                      a checkpoint from an earlier time, kept elsewhere: proves that the ledger is an
                      extension of it. Without one, a ledger that was cut at its end, put back from an
                      old backup or written anew by its own signer looks well
  --json              one line of JSON instead of text for people

Ends with 0 where the ledger is what was signed, 3 where it is not, 1 where it could not be read to its end,
and 2 where what was typed can't be meant. docs/verifying.md tells auditors more.
`;

/** `slackwater verify`: verifies a whole ledger. */
export const verifyCommand: Command = {
  summary: 'verifies a ledger: bytes, chain, tree, signatures, what became of each deferral',
  help,
  async run(args, { stdout, stderr, clock }) {
    const names = [...sourceOptions, 'verifier-key', 'old-checkpoint'] as const;
    const options = readOptions('verify', args, names, ['json']);
    const file = options['old-checkpoint'];
    const oldCheckpoint = file === undefined ? undefined : await textOf(file);
    const progress = showProgress(stderr, clock);
    const surroundings = { clock, say: progress.say };
    const { shown, report } = await withSource('verify', options, surroundings, async (open) => {
      const verifierKeys = verifierKeysOf(options['verifier-key'], open);
      const verify = (): Promise<SourceVerified | SourceRefused> =>
        verifySource(open.source, { verifierKeys, oldCheckpoint, ...checking(open, progress) });
      const report = open.engine === undefined ? await verify() : await lookingAgain(clock, verify);
      return { shown: open.source.shown, report };
    }).finally(() => progress.end());
    stdout.write(options.json === true ? `${asJson(shown, report)}\n` : asText(shown, report, options));
    if (!report.ok) throw new NotVerified(`${shown} is not what was signed: ${report.fault}`);
  },
};

function verifierKeysOf(given: string | undefined, { keys, source }: OpenSource): readonly string[] {
  if (given !== undefined) return given.trim().split(/\s+/);
  if (keys !== undefined) {
    const { origin, signing } = keys;
    return signing.map(({ publicKey }) => formatVerifierKey(origin, publicKey));
  }
  throw usage('verify', `--verifier-key is missing; ${source.shown} does not say whom to believe`);
}

function checking(
  { engine, keys, source }: OpenSource,
  progress: Progress,
): Pick<Parameters<typeof verifySource>[1], 'records' | 'onEntries'> {
  return {
    records: engine && keys && recordCheck(engine, keys),
    onEntries: (done) => progress.report('verifying entries', done, Math.max(done, source.size)),
  };
}

async function textOf(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    const said = error instanceof Error ? error.message : String(error);
    throw new UsageError(`--old-checkpoint: ${file} can't be read (${said})`);
  }
}

function asJson(ledger: string, report: SourceVerified | SourceRefused): string {
  if (!report.ok) return JSON.stringify({ ...report, ledger });
  return JSON.stringify({ ...report, root: Buffer.from(report.root).toString('base64'), ledger });
}

function asText(
  ledger: string,
  report: SourceVerified | SourceRefused,
  options: { readonly 'verifier-key'?: string; readonly 'old-checkpoint'?: string },
): string {
  const lines: (readonly [string, string])[] = [['ledger', ledger]];
  if (report.ok) {
    const { origin, entries, blocks, root, checked, lives, records } = report;
    lines.push(['verified', `${entries} entries${blocks === undefined ? '' : ` in ${blocks} blocks`}`]);
    if (origin !== undefined) lines.push(['origin', origin]);
    lines.push(['root', Buffer.from(root).toString('base64')], ['checked', checked.join(', ')]);
    if (lives !== undefined) lines.push(['deferrals', counted(lives)]);
    if (records !== undefined) lines.push(['records', counted(records)]);
    if (options['verifier-key'] === undefined)
      lines.push(['note', 'the verifier key is the one in the key file; an auditor has it from elsewhere']);
    if (options['old-checkpoint'] === undefined)
      lines.push(['note', 'without --old-checkpoint a cut at the end is not noticed']);
  } else {
    const { fault, message, height, index } = report;
    lines.push(['NOT VERIFIED', fault], ['what', message]);
    if (height !== undefined) lines.push(['block', String(height)]);
    if (index !== undefined) lines.push(['entry', String(index)]);
  }
  return lines.map(([name, value]) => `${name.padEnd(14)}${value}\n`).join('');
}

function counted(counts: object): string {
  return Object.entries(counts)
    .map(([name, count]) => `${name} ${count}`)
    .join(', ');
}
