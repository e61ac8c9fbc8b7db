import { setTimeout as sleep } from 'node:timers/promises';
import { verifyCheckpoint } from '@slackwater/shared';
import type { HostProcess } from './host-process.ts';

/** What one host says the ledger is. */
export interface Head {
  /** Number of entries. */
  readonly size: number;
  /** Base64. */
  readonly root: string;
  /** The signed text. */
  readonly checkpoint: string;
}

const answerWithinMs = 1_500;
const agreeWithinMs = 15_000;
const pollMs = 250;

/** Asks a host for its signed head, as anybody may; undefined where it can't say for now. Rejects where the signature is false. */
export async function headOf({ address, verifierKey }: HostProcess): Promise<Head | undefined> {
  if (address === undefined) return undefined;
  const checkpoint = await fetch(`${address}/slackwater/ledger/main/checkpoint`, {
    signal: AbortSignal.timeout(answerWithinMs),
  })
    .then((answer) => (answer.ok ? answer.text() : undefined))
    .catch(() => undefined);
  if (checkpoint === undefined) return undefined;
  const { size, root } = verifyCheckpoint(checkpoint, [verifierKey]);
  return { size, root: Buffer.from(root).toString('base64'), checkpoint };
}

/**
 * The heads of all hosts, as soon as they are of one size, and at the latest after some time. Each host has added its tree up
 * by itself: with one size they have one root, or the ledger was forked.
 */
export async function agreedHeads(hosts: readonly HostProcess[]): Promise<readonly (Head | undefined)[]> {
  const deadline = Date.now() + agreeWithinMs;
  for (;;) {
    const heads = await Promise.all(hosts.map(headOf));
    if (isOne(heads) || Date.now() > deadline) return heads;
    await sleep(pollMs);
  }
}

/** Whether every host has a head and all have the same. */
export function isOne(heads: readonly (Head | undefined)[]): boolean {
  const [first] = heads;
  return first !== undefined && heads.every((head) => head?.size === first.size && head.root === first.root);
}
