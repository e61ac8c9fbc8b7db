import { type Checkpoint, parseCheckpoint } from '@slackwater/shared';
import type { HeadNote } from '../engines/head-note.ts';
import { type Head, openEdge } from './chain.ts';
import { LedgerError } from './ledger-error.ts';
import type { Tiles } from './tiles.ts';

// A ledger can't know that it is an older copy of itself: its log, its blocks and its checkpoints all agree. What a signer
// signed last is therefore noted apart from it, behind the signing: a note is of a head that is durable, and may be old.

/**
 * Throws where the ledger does not extend the head that was noted: `ledger-truncated` where it is shorter, `ledger-corrupt`
 * where it went another way, or where the note is not readable. A note of another origin is of another ledger, and none is
 * nothing to compare with.
 */
export async function checkAgainstNote(
  note: HeadNote,
  head: Pick<Head, 'link' | 'root'>,
  tiles: Tiles,
  origin: string,
): Promise<void> {
  const noted = parse(note, await readNote(note));
  if (noted === undefined || noted.origin !== origin) return;
  if (noted.size > head.link.size) {
    throw new LedgerError(
      'ledger-truncated',
      `The ledger has ${head.link.size} sealed entries, and a head of ${noted.size} was signed before (${note.place}): it is an older ` +
        'copy, and acknowledged entries are lost. Put the newest copy back; if there is none, move the directory aside and ' +
        'start a ledger under a new origin.',
    );
  }
  if (noted.size === head.link.size && Buffer.from(noted.root).equals(head.root)) return;
  await openEdge(tiles, noted.size, Buffer.from(noted.root).toString('base64'));
}

/** Notes a head, unless as much is noted already. */
export async function noteHead(note: HeadNote, head: Pick<Head, 'link' | 'checkpoint'>): Promise<void> {
  const { size } = head.link;
  if (size === 0) return;
  const origin = parseCheckpoint(head.checkpoint).origin;
  const noted = parse(note, await readNote(note));
  if (noted?.origin === origin && noted.size >= size) return;
  await note.write(head.checkpoint);
}

async function readNote(note: HeadNote): Promise<string | undefined> {
  try {
    return await note.read();
  } catch (cause) {
    throw unreadable(note, cause);
  }
}

function parse(note: HeadNote, text: string | undefined): Checkpoint | undefined {
  try {
    return text === undefined ? undefined : parseCheckpoint(text);
  } catch (cause) {
    throw unreadable(note, cause);
  }
}

function unreadable({ place }: HeadNote, cause: unknown): LedgerError {
  const said = cause instanceof Error ? cause.message : String(cause);
  return new LedgerError(
    'ledger-corrupt',
    `${place}: the note of the newest signed head can't be read (${said}), so an older copy of the ledger would not be noticed. ` +
      'Verify the ledger with the newest checkpoint that anybody kept; then remove the note.',
    { cause },
  );
}
