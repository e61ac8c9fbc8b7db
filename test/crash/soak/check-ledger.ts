import { hash } from 'node:crypto';
import { parseBlock, parseEntry, verifyLedger } from '@slackwater/shared';
import { ed25519Verify } from '../../../packages/middleware/src/ledger/signer.ts';
import type { StoredLedger } from '../stored-ledger.ts';

/** What the processes said before they died. */
export interface Said {
  readonly accepted: ReadonlySet<string>;
  readonly performed: ReadonlySet<string>;
}

/** What was found in a ledger that is as it should be. */
export interface Found {
  readonly entries: number;
  readonly blocks: number;
  /** Accepted by the log, and their callers were cut off before they heard it. */
  readonly unacknowledged: number;
  /** The newest signed head: the next ledger has to extend it. */
  readonly checkpoint: string | undefined;
}

/**
 * Verifies every byte, and compares what the log says with what was said, and with how often the work was done. Throws an Error of one sentence where something
 * is wrong.
 */
export function checkLedger(
  stored: StoredLedger,
  said: Said,
  worked: ReadonlyMap<string, number>,
  trust: {
    readonly verifierKey: string;
    readonly oldCheckpoint: string | undefined;
    /** Whether everything that was accepted must have been performed by now. */
    readonly drained: boolean;
  },
): Found {
  const report = verifyLedger({
    ...stored,
    // What waits to be sealed comes behind the last block.
    entries: stored.entries.slice(0, sealedSize(stored)),
    verifierKeys: [trust.verifierKey],
    sha256: (data) => hash('sha256', data, 'buffer'),
    ed25519Verify,
    ...(trust.oldCheckpoint !== undefined && { oldCheckpoint: trust.oldCheckpoint }),
  });
  if (!report.ok) throw new Error(`the ledger does not verify: ${JSON.stringify(report)}`);
  const inLog = { accepted: new Set<string>(), performed: new Set<string>() };
  const attempts = new Set<string>();
  for (const bytes of stored.entries) {
    const { type, id, attempt } = parseEntry(bytes);
    if (type === 'accepted') inLog.accepted.add(id);
    if (type !== 'performed') continue;
    if (!inLog.accepted.has(id)) throw new Error(`${id} was performed before it was accepted`);
    // Of two attempts both may say so, where the one lost its lease: the first counts.
    if (attempts.has(`${id} ${attempt}`)) throw new Error(`attempt ${attempt} of ${id} was performed twice`);
    attempts.add(`${id} ${attempt}`);
    inLog.performed.add(id);
  }
  for (const what of ['accepted', 'performed'] as const) {
    for (const id of said[what])
      if (!inLog[what].has(id)) throw new Error(`${id} was said to be ${what}, and is not`);
  }
  for (const [id, times] of worked) if (times > 1) throw new Error(`${id} was done ${times} times`);
  for (const id of inLog.performed) {
    if (!worked.has(id)) throw new Error(`${id} is performed by the log, and was not done`);
  }
  if (trust.drained) {
    for (const id of inLog.accepted)
      if (!inLog.performed.has(id)) throw new Error(`${id} was never performed`);
  }
  return {
    entries: stored.entries.length,
    blocks: stored.blocks.length,
    unacknowledged: inLog.accepted.size - said.accepted.size,
    checkpoint: lastBlock(stored)?.checkpoint,
  };
}

function lastBlock({ blocks }: StoredLedger): ReturnType<typeof parseBlock> | undefined {
  const text = blocks.at(-1);
  return text === undefined ? undefined : parseBlock(text);
}

const sealedSize = (stored: StoredLedger): number => lastBlock(stored)?.size ?? 0;
