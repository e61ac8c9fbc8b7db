/** Byte strings behind one another, and where each is: what `substr(bytes, at, length)` finds on the server. */
export interface Pieces {
  readonly bytes: Buffer;
  /** From 1, as SQL counts. */
  readonly ats: readonly number[];
  readonly lengths: readonly number[];
}

/** Puts byte strings into one: pg sends one as it is, and each of many in twice its length. */
export function joined(pieces: readonly Uint8Array[]): Pieces {
  const ats: number[] = [];
  let at = 1;
  for (const piece of pieces) {
    ats.push(at);
    at += piece.byteLength;
  }
  return { bytes: Buffer.concat(pieces, at - 1), ats, lengths: pieces.map((piece) => piece.byteLength) };
}
