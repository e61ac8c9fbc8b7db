import { toBase64 } from './base64.ts';
import { blockHash, parseBlock } from './block-codec.ts';
import { bytesEqual } from './bytes.ts';
import { type Checkpoint, parseCheckpoint } from './checkpoint.ts';
import { verifyCheckpoint } from './checkpoint-verify.ts';
import type { VerifyOptions } from './ed25519.ts';
import type { LedgerBlock, LedgerEntry } from './entry.ts';
import { EntryReader } from './entry-reader.ts';
import { faultOf, messageOf } from './fault-of.ts';
import { GrowingTree } from './growing-tree.ts';
import { defaultRememberSettled, LedgerLives } from './ledger-lives.ts';
import type { LedgerFault, LedgerRefused, LedgerReport } from './ledger-report.ts';
import { LedgerRuns } from './ledger-runs.ts';
import { emptyRoot, LeafDesk } from './merkle-hash.ts';
import { isCount } from './parameter-error.ts';
import { verifyRotation } from './rotation.ts';
import { parseVerifierKeys } from './verifier-key.ts';

/** What a ledger is verified against. */
export interface LedgerTrust extends VerifyOptions {
  /**
   * C2SP verifier keys, from elsewhere than the ledger. The origin of each checkpoint must be the name of one. The first key of a ledger is
   * enough: those that came after are learned from its `key-rotated` entries.
   */
  readonly verifierKeys: readonly string[];
  /** A signed checkpoint from an earlier time, kept elsewhere. Without one, a cut at the end can't be noticed. */
  readonly oldCheckpoint?: string;
  /**
   * How many of the most recently settled deferrals are remembered, so that what is said of them afterwards is judged. Takes some
   * 120 bytes each. Default 1,000,000.
   */
  readonly rememberSettled?: number;
}

/** A block whose entries are being read. */
interface OpenBlock {
  readonly block: LedgerBlock;
  /** The first of its entries that is none, if any: where the block's root does not match, it is the culprit. */
  readonly malformed?: number;
  /** The first of its entries that is none, or says what can't be: told when it is certain that it was sealed so. */
  readonly wrong?: { readonly index: number; readonly fault: LedgerFault; readonly message: string };
  /** At the old checkpoint's size the tree had another root. */
  readonly oldDiffers?: true;
}

/**
 * Verifies a ledger as it is read, also where reading is asynchronous: give `block` the text of a block, then `entry`
 * each of its entries, and so on; `finish` tells. Never throws on what it is given; after the first fault it
 * only repeats it. Memory is that of one path of the tree, of the deferrals that are not settled (some 400 bytes each), and of the most
 * recently settled ones (`rememberSettled`). The rules are in `docs/ledger-format.md`.
 */
export class LedgerVerifier {
  readonly #trust: LedgerTrust;
  readonly #tree: GrowingTree;
  readonly #desk = new LeafDesk();
  readonly #reader = new EntryReader();
  readonly #lives: LedgerLives;
  readonly #runs: LedgerRuns;
  readonly #old: Checkpoint | undefined;
  /** No key that is known by now has signed it; one that the ledger puts in force may have. */
  #oldIsOpen = false;
  /** Those that may sign the next block. */
  #inForce: readonly string[];
  /** Those that entries have put in force. */
  readonly #learned: string[] = [];
  #previous = toBase64(new Uint8Array(32));
  #blocks = 0;
  #origin: string | undefined;
  #open: OpenBlock | undefined;
  /** What an entry of the open block puts in force. */
  #next: readonly string[] | undefined;
  #refused: LedgerRefused | undefined;

  constructor(trust: LedgerTrust) {
    this.#trust = trust;
    this.#tree = new GrowingTree(trust);
    this.#lives = new LedgerLives(trust.rememberSettled);
    const { rememberSettled } = trust;
    this.#runs = new LedgerRuns(trust, isCount(rememberSettled) ? rememberSettled : defaultRememberSettled);
    this.#inForce = trust.verifierKeys;
    this.#old = this.#openOldCheckpoint();
  }

  /** How many entries of the current block are still to come. */
  get pending(): number {
    return this.#open === undefined ? 0 : this.#open.block.size - this.#tree.size;
  }

  /** Takes the text of the next block; the one before must be complete. Gives the first fault so far. */
  block(text: unknown): LedgerRefused | undefined {
    if (this.#refused !== undefined) return this.#refused;
    if (this.#open !== undefined) return this.#entryMissing(this.#open);
    const block = this.#parse(text);
    if (block !== undefined && this.#follows(block) && this.#isSigned(block)) this.#open = { block };
    return this.#refused;
  }

  /** Takes the next entry; the last one of a block closes it. Gives the first fault so far. */
  entry(given: unknown): LedgerRefused | undefined {
    if (this.#refused !== undefined) return this.#refused;
    const index = this.#tree.size;
    if (this.#open === undefined) {
      return this.#refuse('entry-unsealed', `entry ${index} is in no block`, { index });
    }
    if (!this.#desk.take(given)) {
      const { height } = this.#open.block;
      return this.#refuse('entry-not-bytes', `entry ${index} is not a Uint8Array`, { height, index });
    }
    this.#tree.append(this.#desk.leafHash(this.#trust));
    const found = this.#wrongWith(this.#desk.bytes, index);
    if (found !== undefined) {
      const { wrong = found, malformed = found.fault === 'entry-malformed' ? index : undefined } = this.#open;
      this.#open = { ...this.#open, wrong, ...(malformed !== undefined && { malformed }) };
    }
    if (this.#old?.size === this.#tree.size && !bytesEqual(this.#old.root, this.#tree.root())) {
      this.#open = { ...this.#open, oldDiffers: true };
    }
    return this.pending === 0 ? this.#close(this.#open) : undefined;
  }

  /** The verdict, once everything has been given. */
  finish(): LedgerReport {
    if (this.#refused !== undefined) return this.#refused;
    if (this.#open !== undefined) return this.#entryMissing(this.#open);
    const { size } = this.#tree;
    const unsettled = this.#oldIsOpen ? this.#settleOld() : undefined;
    if (unsettled !== undefined) return unsettled;
    if (this.#old !== undefined && this.#old.size > size) {
      const message = `the ledger ends after ${size} entries; it had ${this.#old.size} when ${this.#old.origin} signed the old checkpoint`;
      return this.#refuse('truncated', message, { height: this.#blocks, index: size });
    }
    const origin = this.#origin === undefined ? {} : { origin: this.#origin };
    return {
      ok: true,
      size,
      root: this.#tree.root(),
      blocks: this.#blocks,
      ...origin,
      verifierKeys: this.#allKeys(),
      lives: this.#lives.counts,
    };
  }

  #wrongWith(bytes: Uint8Array, index: number): OpenBlock['wrong'] {
    let entry: LedgerEntry;
    try {
      entry = this.#reader.read(bytes);
    } catch (error) {
      return { index, fault: 'entry-malformed', message: messageOf(error) };
    }
    if (entry.type === 'key-rotated') this.#rotate(entry.rotation);
    const wrong = this.#lives.entry(entry) ?? this.#runs.entry(entry);
    return wrong && { index, ...wrong };
  }

  /** From the next block on. Who does not hold the key in force changes nothing. */
  #rotate(note: string | undefined): void {
    const next = verifyRotation(note, this.#next ?? this.#inForce, this.#trust);
    if (next !== undefined) this.#next = [next];
  }

  #openOldCheckpoint(): Checkpoint | undefined {
    const { verifierKeys, oldCheckpoint } = this.#trust;
    try {
      parseVerifierKeys(verifierKeys, this.#trust);
      if (oldCheckpoint === undefined) return undefined;
      const old = this.#readOld(oldCheckpoint, verifierKeys);
      if (old.size > 0 || bytesEqual(old.root, emptyRoot(this.#trust))) return old;
      this.#refuse('old-checkpoint-differs', 'the old checkpoint has no entries and not the root of none');
    } catch (error) {
      this.#refuse(faultOf(error, 'old-checkpoint'), `given to verify against: ${messageOf(error)}`);
    }
    return undefined;
  }

  #readOld(note: string, verifierKeys: readonly string[]): Checkpoint {
    try {
      return verifyCheckpoint(note, verifierKeys, this.#trust);
    } catch (error) {
      if (faultOf(error, 'old-checkpoint') !== 'old-checkpoint-unverified') throw error;
      this.#oldIsOpen = true;
      return parseCheckpoint(note);
    }
  }

  #allKeys(): readonly string[] {
    return [...this.#trust.verifierKeys, ...this.#learned];
  }

  /** By now every key is known that can have signed it. */
  #settleOld(): LedgerRefused | undefined {
    try {
      verifyCheckpoint(this.#trust.oldCheckpoint ?? '', this.#allKeys(), this.#trust);
      this.#oldIsOpen = false;
      return undefined;
    } catch (error) {
      return this.#refuse(faultOf(error, 'old-checkpoint'), `given to verify against: ${messageOf(error)}`);
    }
  }

  #parse(text: unknown): LedgerBlock | undefined {
    try {
      return parseBlock(text as string);
    } catch (error) {
      this.#refuseBlock('block-malformed', messageOf(error));
      return undefined;
    }
  }

  #follows(block: LedgerBlock): boolean {
    const height = this.#blocks;
    if (block.height !== height) {
      this.#refuseBlock('height-differs', `block ${block.height} stands where block ${height} belongs`);
    } else if (block.previous !== this.#previous) {
      const message = `block ${height} follows a block with the hash ${block.previous}, not ${this.#previous}: it or the block before was changed`;
      this.#refuseBlock('previous-differs', message);
    } else if (block.first !== this.#tree.size) {
      this.#refuseBlock('range-differs', `block ${height} begins at ${block.first}, not ${this.#tree.size}`);
    }
    return this.#refused === undefined;
  }

  #isSigned(block: LedgerBlock): boolean {
    try {
      const { origin, size, root } = verifyCheckpoint(block.checkpoint, this.#inForce, this.#trust);
      this.#origin = origin;
      if (size === block.size && toBase64(root) === block.root) return true;
      const message = `the checkpoint of block ${block.height} is for ${size} entries and root ${toBase64(root)}`;
      this.#refuseBlock('checkpoint-differs', message);
    } catch (error) {
      this.#refuseBlock(
        faultOf(error, 'checkpoint'),
        `the checkpoint of block ${block.height}: ${messageOf(error)}`,
      );
    }
    return false;
  }

  #close({ block, malformed, wrong, oldDiffers }: OpenBlock): LedgerRefused | undefined {
    const { height, first, last } = block;
    if (toBase64(this.#tree.root()) !== block.root) {
      const culprit = malformed === undefined ? '' : `; entry ${malformed} is no entry at all`;
      const message = `the entries ${first} to ${last} of block ${height} are not those that were sealed${culprit}`;
      return this.#refuse('root-differs', message, { height, index: malformed ?? first });
    }
    const rotated = this.#takeOver(block);
    if (rotated !== undefined) return rotated;
    if (this.#oldIsOpen && (this.#old?.size ?? 0) <= this.#tree.size) {
      const refused = this.#settleOld();
      if (refused !== undefined) return refused;
    }
    if (oldDiffers === true) {
      const message = `the old checkpoint has another root for the first ${this.#old?.size} entries`;
      return this.#refuse('old-checkpoint-differs', message, { height });
    }
    if (wrong !== undefined) {
      const { index, fault, message } = wrong;
      return this.#refuse(fault, `entry ${index} was sealed so: ${message}`, { height, index });
    }
    this.#previous = toBase64(blockHash(block, this.#trust));
    this.#blocks += 1;
    this.#open = undefined;
    return undefined;
  }

  /** The block in which a key takes over is signed by both. */
  #takeOver({ checkpoint, height }: LedgerBlock): LedgerRefused | undefined {
    const next = this.#next;
    if (next === undefined) return undefined;
    try {
      verifyCheckpoint(checkpoint, next, this.#trust);
    } catch (error) {
      const message = `block ${height} changes the signing key, and the new one has not signed it: ${messageOf(error)}`;
      return this.#refuse('checkpoint-unverified', message, { height });
    }
    this.#inForce = next;
    this.#learned.push(...next);
    this.#next = undefined;
    return undefined;
  }

  #entryMissing({ block: { height, first, last } }: OpenBlock): LedgerRefused {
    const index = this.#tree.size;
    const message = `entry ${index} is missing; block ${height} holds the entries ${first} to ${last}`;
    return this.#refuse('entry-missing', message, { height, index });
  }

  #refuseBlock(fault: LedgerFault, message: string): void {
    this.#refuse(fault, message, { height: this.#blocks });
  }

  #refuse(
    fault: LedgerFault,
    message: string,
    where: { height?: number; index?: number } = {},
  ): LedgerRefused {
    this.#refused ??= { ok: false, fault, message, ...where };
    return this.#refused;
  }
}
