import { randomFillSync } from 'node:crypto';

const poolBytes = 16_384;
let pool = Buffer.alloc(0);
let taken = 0;

/**
 * Bytes of the operating system's randomness, each given out once. Asked for 16 KiB at a time: a deferral needs ten small
 * pieces, and asking costs more than the bytes do.
 */
export function randomPiece(length: number): Buffer {
  if (taken + length > pool.length) {
    pool = randomFillSync(Buffer.alloc(Math.max(poolBytes, length)));
    taken = 0;
  }
  const piece = Buffer.allocUnsafe(length);
  pool.copy(piece, 0, taken, taken + length);
  pool.fill(0, taken, taken + length);
  taken += length;
  return piece;
}
