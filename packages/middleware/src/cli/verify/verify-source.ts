import {
  GrowingTree,
  type LedgerFault,
  type LedgerRefused,
  type LedgerReport,
  LedgerVerifier,
  type LifeCounts,
  leafHash,
  type VerifiedCheckpoint,
  verifyCheckpoint,
  verifyRotation,
} from '@slackwater/shared';
import { sha256 } from '../../ledger/sha256.ts';
import { ed25519Verify } from '../../ledger/signer.ts';
import { feedVerifier } from '../../ledger/verify.ts';
import { CommandFailed } from '../failures.ts';
import type { LedgerSource } from '../sources/source.ts';
import type { RecordCheck, RecordCounts, RecordFault } from './check-records.ts';

/** What a ledger is verified against, and what is looked at besides. */
export interface Verifying {
  readonly verifierKeys: readonly string[];
  /** The text of a signed checkpoint that was kept elsewhere. */
  readonly oldCheckpoint: string | undefined;
  /** Looks at the records that entries have digests of, where they are at hand. */
  readonly records: RecordCheck | undefined;
  readonly onEntries: (done: number) => void;
}

/** What was looked at: all that the place has. */
export type Checked = 'signatures' | 'tree' | 'blocks' | 'entries' | 'lives' | 'records' | 'extension';

/** The ledger is what its signer signed, as far as it was looked at. */
export interface SourceVerified {
  readonly ok: true;
  readonly origin: string | undefined;
  readonly entries: number;
  /** Undefined where the place has none. */
  readonly blocks: number | undefined;
  readonly root: Uint8Array;
  readonly checked: readonly Checked[];
  readonly lives: LifeCounts | undefined;
  readonly records: RecordCounts | undefined;
}

/** The first thing that is wrong. */
export type SourceRefused = LedgerRefused | (Omit<LedgerRefused, 'fault'> & { readonly fault: RecordFault });

/** So many notes are looked at: each takes two signatures. */
const mostRotations = 10_000;
const native = { sha256, ed25519Verify };

/** Verifies a ledger in one pass over what its place has. Rejects with a {@link CommandFailed} where that can't be read. */
export async function verifySource(
  source: LedgerSource,
  verifying: Verifying,
): Promise<SourceVerified | SourceRefused> {
  const { blocks, entries } = source;
  if (blocks !== undefined && entries !== undefined)
    return verifyWhole(source, blocks(), entries(), verifying);
  const hashes = source.leafHashes?.() ?? (entries && hashed(entries()));
  if (hashes === undefined) throw new CommandFailed(`${source.shown} has neither entries nor hash tiles`);
  return verifyTree(source, hashes, verifying);
}

async function verifyWhole(
  { checkpoint }: LedgerSource,
  blocks: AsyncIterable<string>,
  entries: AsyncIterable<readonly Uint8Array[]>,
  { verifierKeys, oldCheckpoint, records, onEntries }: Verifying,
): Promise<SourceVerified | SourceRefused> {
  const old = oldCheckpoint === undefined ? {} : { oldCheckpoint };
  const verifier = new LedgerVerifier({ verifierKeys, ...old, ...native });
  await feedVerifier(verifier, blocks, entries, async (page, first) => {
    onEntries(first + page.length);
    await records?.take(page);
  });
  const report: LedgerReport = verifier.finish();
  if (!report.ok) return report;
  // The keys that the ledger has put in force are known by now: one of them may have signed it.
  const shown = checkpoint === undefined ? undefined : openShown(checkpoint, report.verifierKeys);
  if (shown !== undefined && 'ok' in shown) return shown;
  if (shown !== undefined && (shown.size !== report.size || !isSame(shown.root, report.root))) {
    return differs(
      `the checkpoint is for ${shown.size} entries, the blocks seal ${report.size}, or another root`,
    );
  }
  const unfit = await records?.finish();
  if (unfit !== undefined) return { ok: false, ...unfit };
  const { size, root, lives, blocks: count, origin } = report;
  return {
    ok: true,
    origin: origin ?? shown?.origin,
    entries: size,
    blocks: count,
    root,
    checked: [
      ...(['signatures', 'tree', 'blocks', 'entries', 'lives'] as const),
      ...(records === undefined ? [] : (['records'] as const)),
      ...(oldCheckpoint === undefined ? [] : (['extension'] as const)),
    ],
    lives,
    records: records?.counts,
  };
}

/** Where there are no blocks, or no entries may be read: what the hashes of the leaves alone can show. */
async function verifyTree(
  source: LedgerSource,
  hashes: AsyncIterable<readonly Uint8Array[]>,
  { verifierKeys: given, oldCheckpoint, onEntries }: Verifying,
): Promise<SourceVerified | SourceRefused> {
  const { checkpoint } = source;
  const verifierKeys = await keysOf(source, given);
  const shown = openShown(checkpoint ?? '', verifierKeys);
  if ('ok' in shown) return shown;
  const old = oldCheckpoint === undefined ? undefined : openOld(oldCheckpoint, verifierKeys);
  if (old !== undefined && 'ok' in old) return old;
  if (old !== undefined && old.size > shown.size) {
    const message = `the ledger has ${shown.size} entries; it had ${old.size} when ${old.origin} signed the old checkpoint`;
    return { ok: false, fault: 'truncated', message, index: shown.size };
  }
  const tree = new GrowingTree({ sha256 });
  let oldRoot = old?.size === 0 ? tree.root() : undefined;
  for await (const page of hashes) {
    for (const hash of page) {
      tree.append(hash);
      if (tree.size === old?.size) oldRoot = tree.root();
    }
    onEntries(tree.size);
  }
  if (old !== undefined && oldRoot !== undefined && !isSame(old.root, oldRoot)) {
    const message = `the old checkpoint has another root for the first ${old.size} entries`;
    return { ok: false, fault: 'old-checkpoint-differs', message };
  }
  if (tree.size !== shown.size || !isSame(tree.root(), shown.root)) {
    return differs(`the tiles do not have the root that the checkpoint has for ${shown.size} entries`);
  }
  const checked = ['signatures', 'tree'] as const;
  return {
    ok: true,
    origin: shown.origin,
    entries: shown.size,
    blocks: undefined,
    root: shown.root,
    checked: old === undefined ? checked : [...checked, 'extension'],
    lives: undefined,
    records: undefined,
  };
}

/** The keys that were given, and those that they lead to where they did not sign the checkpoint themselves. */
async function keysOf(
  { checkpoint, rotations }: LedgerSource,
  given: readonly string[],
): Promise<readonly string[]> {
  const shown = openShown(checkpoint ?? '', given);
  if (rotations === undefined || !('ok' in shown) || shown.fault !== 'checkpoint-unverified') return given;
  let inForce = given;
  const met = [...given];
  // An entry whose note the key in force has not signed changes nothing, and an export has it all the same.
  for (const rotation of (await rotations()).slice(0, mostRotations)) {
    const next = verifyRotation(rotation, inForce, native);
    if (next === undefined) continue;
    inForce = [next];
    met.push(next);
  }
  return met;
}

function openShown(note: string, verifierKeys: readonly string[]): VerifiedCheckpoint | LedgerRefused {
  return opened(note, verifierKeys, 'checkpoint');
}

function openOld(note: string, verifierKeys: readonly string[]): VerifiedCheckpoint | LedgerRefused {
  return opened(note, verifierKeys, 'old-checkpoint');
}

function opened(
  note: string,
  verifierKeys: readonly string[],
  which: 'checkpoint' | 'old-checkpoint',
): VerifiedCheckpoint | LedgerRefused {
  try {
    return verifyCheckpoint(note, verifierKeys, native);
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    return { ok: false, fault: faultOf(error, which), message: `the ${which.replace('-', ' ')}: ${message}` };
  }
}

function faultOf(error: unknown, which: 'checkpoint' | 'old-checkpoint'): LedgerFault {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  if (code === 'verifier-key-malformed') return code;
  return code === 'note-unverified' ? `${which}-unverified` : `${which}-malformed`;
}

function differs(message: string): LedgerRefused {
  return { ok: false, fault: 'checkpoint-differs', message };
}

function isSame(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0;
}

async function* hashed(pages: AsyncIterable<readonly Uint8Array[]>): AsyncGenerator<readonly Uint8Array[]> {
  for await (const page of pages) yield page.map((entry) => leafHash(entry, { sha256 }));
}
