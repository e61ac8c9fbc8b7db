import { fromBase64, parseCheckpoint, parseReceipt, verifyReceipt } from '@slackwater/shared';
import { AnswerMalformedError } from '../errors/trust.ts';
import { type HeadSource, readHead } from '../proof/head.ts';
import type { ReceiptBook } from '../proof/receipt-book.ts';
import type { AuditCheckpoint, AuditReceipt } from './types.ts';

/** What a receipt proves, if it does. @throws SlackwaterErrors of receipts that don't verify. */
export async function provenReceipt(
  receipt: string,
  entryOf: () => Promise<string>,
  verifierKeys: readonly string[],
  book: ReceiptBook,
): Promise<AuditReceipt> {
  const { index, checkpoint } = parseReceipt(receipt);
  if (verifierKeys.length === 0) return { receipt, index, verified: false };
  const entry = fromBase64(await entryOf());
  if (entry === undefined) throw new AnswerMalformedError('the entry is not base64');
  await book.saw(verifyReceipt(receipt, { entry, verifierKeys }), checkpoint);
  return { receipt, index, verified: true };
}

/** A signed head, if it is. @throws SlackwaterErrors of notes that don't verify. */
export async function provenCheckpoint(source: HeadSource, book: ReceiptBook): Promise<AuditCheckpoint> {
  if (source.verifierKeys.length === 0) {
    const text = await source.checkpoint();
    return { ...parseCheckpoint(text), text, verified: false };
  }
  const { note: text } = await readHead(source);
  const checkpoint = parseCheckpoint(text);
  await book.saw(checkpoint, text);
  return { ...checkpoint, text, verified: true };
}
